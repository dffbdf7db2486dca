package quiz

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func attemptsCmd(env *cli.Env) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "attempts COURSE LESSON",
		Short:   "List how you answered a quiz, the newest first",
		Long:    "List how you answered the quiz of a lesson, the newest first: when, the score, and your answers. What is right is not in it.",
		Example: "  cmh quiz attempts linux-shell reading-logs\n  cmh quiz attempts linux-shell reading-logs --jq '[.[].score] | max'",
		Args:    cli.Args("COURSE", "LESSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.QuizAttempt], error) {
				return b.QuizAttempts(cmd.Context(), args[0], args[1], p)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.QuizAttempt]{Title: "WHEN", Cell: func(a hub.QuizAttempt) string { return env.Shown().When(a.CreatedAt.Local(), "2006-01-02 15:04") }},
				cli.Column[hub.QuizAttempt]{Title: "SCORE", Cell: func(a hub.QuizAttempt) string { return fmt.Sprintf("%d%%", a.Score) }},
				cli.Column[hub.QuizAttempt]{Title: "PASSED", Cell: func(a hub.QuizAttempt) string { return cli.YesNo(a.Passed) }, Word: true},
				cli.Column[hub.QuizAttempt]{Title: "ANSWERS", Cell: answered},
			)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "show at most `N`")
	return cmd
}

// answered is what was answered, as --answer takes it.
func answered(a hub.QuizAttempt) string {
	var words []string
	for _, q := range slices.Sorted(maps.Keys(a.Answers)) {
		words = append(words, q+"="+strings.Join(a.Answers[q], ","))
	}
	return strings.Join(words, " ")
}
