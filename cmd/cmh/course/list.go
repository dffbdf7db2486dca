package course

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func listCmd(env *cli.Env) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the courses you may see",
		Example: "  cmh course list\n  cmh course list --provider aws --json=slug,title\n  cmh course list --mine",
		Args:    cli.Args(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	o.flags(cmd)
	return cmd
}

func searchCmd(env *cli.Env) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:     "search TEXT",
		Short:   "Search courses; misspelled words still find titles",
		Example: "  cmh course search iam policies\n  cmh course search terrafrom --json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, a := range args {
				if i > 0 {
					o.filter.Query += " "
				}
				o.filter.Query += a
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.flags(cmd)
	return cmd
}

type listOptions struct {
	filter hub.CourseFilter
	limit  int
}

func (o *listOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.filter.Provider, "provider", "", "only `NAME`: aws, azure, gcp, multi")
	f.StringVar(&o.filter.Level, "level", "", "only `LEVEL`: beginner, intermediate, advanced")
	f.StringVar(&o.filter.Category, "category", "", "only this `CATEGORY`")
	f.BoolVar(&o.filter.Enrolled, "mine", false, "only the courses you are enrolled in")
	f.IntVar(&o.limit, "limit", 100, "show at most `N`")
}

func (o listOptions) run(ctx context.Context, env *cli.Env) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	list, err := cli.All(o.limit, func(p hub.Paging) (hub.Page[hub.Course], error) {
		o.filter.Paging = p
		return b.Courses(ctx, o.filter)
	})
	if err != nil {
		return err
	}
	return cli.PrintList(env, list,
		cli.Column[hub.Course]{Title: "SLUG", Cell: func(c hub.Course) string { return c.Slug }},
		cli.Column[hub.Course]{Title: "PROVIDER", Cell: func(c hub.Course) string { return c.Provider }},
		cli.Column[hub.Course]{Title: "LEVEL", Cell: func(c hub.Course) string { return c.Level }, Word: true},
		cli.Column[hub.Course]{Title: "MINUTES", Cell: func(c hub.Course) string { return strconv.Itoa(c.Duration) }},
		cli.Column[hub.Course]{Title: "ENROLLED", Cell: func(c hub.Course) string { return cli.YesNo(c.Enrolled) }, Word: true},
		cli.Column[hub.Course]{Title: "TITLE", Cell: func(c hub.Course) string { return c.Title }},
	)
}
