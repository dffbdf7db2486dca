package course

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func viewCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "view COURSE",
		Aliases: []string{"show"},
		Short:   "Show what a course holds",
		Example: "  cmh course view linux-shell\n  cmh course view linux-shell --jq '.lessons[].id'",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			c, err := b.Course(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return cli.Print(env, c, func(w io.Writer) {
				p := func(format string, a ...any) { _, _ = fmt.Fprintln(w, cli.Clean(env.Tf(format, a...))) }
				p("%s (%s)", c.Title, c.Slug)
				p("%s, %s, about %d minutes, version %d, enrolled: %s", c.Provider, env.T(c.Level), c.Duration, c.Version, env.T(cli.YesNo(c.Enrolled)))
				p("\n%s", c.Description)
				section(p, env.T("You will learn"), c.LearningObjectives)
				section(p, env.T("Before you begin"), c.Prerequisites)
				lessons := make([]string, len(c.Lessons))
				for i, l := range c.Lessons {
					lessons[i] = named(env, i+1, l.ID, l.Title)
				}
				section(p, env.T("Lessons"), lessons)
				labs := make([]string, len(c.Labs))
				for i, l := range c.Labs {
					labs[i] = named(env, i+1, l.ID, l.Title)
				}
				section(p, env.T("Labs"), labs)
				if len(c.Lessons) > 0 {
					p("\nRead the first: cmh lesson view %s %s", c.Slug, c.Lessons[0].ID)
				}
			})
		},
	}
}

// named is a lesson or a lab, with the id that commands know it by.
func named(env *cli.Env, n int, id, title string) string {
	if id, title = cli.CleanLine(id), cli.CleanLine(title); env.ForHumans() && env.Accessible() {
		return fmt.Sprintf("%d. %s (%s)", n, title, id)
	}
	return fmt.Sprintf("%-24s %s", id, title)
}

func section(p func(string, ...any), title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p("\n%s", title)
	for _, l := range lines {
		p("  %s", strings.ReplaceAll(l, "\n", " "))
	}
}
