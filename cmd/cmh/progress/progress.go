// Package progress is `cmh progress`, `cmh achievements` and `cmh next`: how far
// the learner is, what they have reached, and what to do now.
package progress

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the progress command.
func Command(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "progress",
		Short:   "Show how far you are with your courses",
		Example: "  cmh progress\n  cmh progress --jq '.[] | [.course, .progress_percentage]'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := b.Progress(cmd.Context())
			if err != nil {
				return err
			}
			err = cli.PrintList(env, list,
				cli.Column[hub.CourseProgress]{Title: "COURSE", Cell: func(p hub.CourseProgress) string { return p.Course }},
				cli.Column[hub.CourseProgress]{Title: "DONE", Cell: func(p hub.CourseProgress) string { return fmt.Sprintf("%d%%", p.Percentage) }},
				cli.Column[hub.CourseProgress]{Title: "LESSONS", Cell: func(p hub.CourseProgress) string { return fmt.Sprintf("%d/%d", p.LessonsDone, len(p.Lessons)) }},
				cli.Column[hub.CourseProgress]{Title: "LABS", Cell: func(p hub.CourseProgress) string { return fmt.Sprintf("%d/%d", p.LabsDone, len(p.Labs)) }},
				cli.Column[hub.CourseProgress]{Title: "TITLE", Cell: func(p hub.CourseProgress) string { return p.Title }},
			)
			if err != nil || env.JSON {
				return err
			}
			reached, err := b.Achievements(cmd.Context())
			if err != nil {
				return err
			}
			env.Say("%s %s", streak(env, reached.Streak), earned(env, reached.Achievements))
			return nil
		},
	}
}

// NextCommand returns the next command.
func NextCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "next",
		Short:   "Say what to do next",
		Example: "  cmh next\n  cmh next --jq '.[0].command'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := b.Next(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.NextStep]{Title: "WHAT", Cell: func(n hub.NextStep) string { return n.Title }},
				cli.Column[hub.NextStep]{Title: "WHY", Cell: func(n hub.NextStep) string { return env.Shown().Told(n.Reason) }},
				cli.Column[hub.NextStep]{Title: "HOW", Cell: func(n hub.NextStep) string { return n.Command }},
			)
		},
	}
}
