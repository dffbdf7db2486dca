package author

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func viewCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "view COURSE",
		Aliases: []string{"show"},
		Short:   "Read a course that you look after, drafts included",
		Long: "Read the newest version of a course that you look after, published or not: its lessons whole, of its labs what their steps are. " +
			"Play its labs with: cmh author test.",
		Example: "  cmh author view my-course\n  cmh author view my-course --jq '.lessons[0].body'",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := publisher(env)
			if err != nil {
				return err
			}
			c, err := p.AuthoredCourse(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if env.JSON {
				return cli.Print(env, c, nil)
			}
			return env.Read(cmd.Context(), whole(env, c))
		},
	}
}

// whole is a course with all its lessons, and what its labs are about.
func whole(env *cli.Env, c hub.Course) string {
	var b strings.Builder
	env.Fprintf(&b, "%s (%s), version %d\n\n%s\n", cli.CleanLine(c.Title), cli.CleanLine(c.Slug), c.Version, cli.Clean(c.Description))
	for i, l := range c.Lessons {
		env.Fprintf(&b, "\nLesson %d: %s (%s)\n\n%s", i+1, cli.CleanLine(l.Title), cli.CleanLine(l.ID), env.Markdown(l.Body))
		if l.Quiz == nil {
			continue
		}
		b.WriteString("\nQuiz\n")
		for n, q := range l.Quiz.Questions {
			fmt.Fprintf(&b, "  %d. %s\n", n+1, cli.CleanLine(q.Prompt))
			for _, c := range q.Choices {
				fmt.Fprintf(&b, "     - %s\n", cli.CleanLine(c.Text))
			}
		}
	}
	for _, l := range c.Labs {
		env.Fprintf(&b, "\nLab: %s (%s)\n\n%s", cli.CleanLine(l.Title), cli.CleanLine(l.ID), env.Markdown(l.Description))
		for _, s := range l.Steps {
			fmt.Fprintf(&b, "  %d. %s\n", s.Number, cli.CleanLine(s.Title))
		}
		if !l.Runnable {
			env.Fprintf(&b, "\nIt can be read, but not run here: %s\n", cli.CleanLine(env.Words().Told(l.Reason)))
		}
	}
	return b.String()
}
