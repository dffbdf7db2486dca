package progress

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// AchievementsCommand returns the achievements command.
func AchievementsCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "achievements",
		Short: "Show what you have achieved, and your streak",
		Long: "Show what you have achieved, and how many days in a row you have learned. A day counts when a lesson was completed, a quiz passed, or a step of a lab. " +
			"Days are those of your profile's time zone, or UTC: cmh profile edit --timezone.",
		Example: "  cmh achievements\n  cmh achievements --jq .streak.current",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			all, err := b.Achievements(cmd.Context())
			if err != nil {
				return err
			}
			if env.JSON {
				return cli.Print(env, all, nil)
			}
			env.Say("%s", streak(env, all.Streak))
			return cli.PrintList(env, all.Achievements,
				cli.Column[hub.Achievement]{Title: "", Cell: func(a hub.Achievement) string { return mark(a) }},
				cli.Column[hub.Achievement]{Title: "ACHIEVEMENT", Cell: func(a hub.Achievement) string { return env.Shown().T(a.Title) }},
				cli.Column[hub.Achievement]{Title: "FOR", Cell: func(a hub.Achievement) string { return env.Shown().T(a.Description) }},
				cli.Column[hub.Achievement]{Title: "SO FAR", Cell: func(a hub.Achievement) string { return fmt.Sprintf("%d/%d", a.Progress, a.Goal) }},
				cli.Column[hub.Achievement]{Title: "SINCE", Cell: func(a hub.Achievement) string { return day(env.Shown(), a.EarnedAt) }},
			)
		},
	}
}

// mark is never colour alone.
func mark(a hub.Achievement) string {
	if a.EarnedAt != nil {
		return "✓"
	}
	return "·"
}

func day(sp words.Speaker, t *time.Time) string {
	if t == nil {
		return ""
	}
	return sp.When(t.Local(), "2006-01-02")
}

// streak is a sentence.
func streak(env *cli.Env, s hub.Streak) string {
	switch {
	case s.Longest == 0:
		return env.T("No streak yet: complete a lesson, a quiz or a step of a lab today to begin one.")
	case s.Current == 0:
		return env.N(s.Longest, "No streak right now; your longest was %d day.", "No streak right now; your longest was %d days.", s.Longest)
	case !s.Today:
		return env.N(s.Current, "Your streak is %d day (the longest: %d); do something today to keep it.",
			"Your streak is %d days (the longest: %d); do something today to keep it.", s.Current, s.Longest)
	}
	return env.N(s.Current, "Your streak is %d day (the longest: %d).", "Your streak is %d days (the longest: %d).", s.Current, s.Longest)
}

// earned is another one.
func earned(env *cli.Env, all []hub.Achievement) string {
	n := 0
	for _, a := range all {
		if a.EarnedAt != nil {
			n++
		}
	}
	return env.Tf("Achievements: %d of %d (cmh achievements).", n, len(all))
}
