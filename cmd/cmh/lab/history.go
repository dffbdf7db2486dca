package lab

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func historyCmd(env *cli.Env) *cobra.Command {
	var f hub.LabHistoryFilter
	var limit int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List how your labs went, the newest first",
		Long: "List the labs you have worked in, the newest first and those that run among them: when, for how long, how many of their checks passed, " +
			"and how they ended.",
		Example: "  cmh lab history\n  cmh lab history --lab log-triage --jq '[.[].minutes] | add'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.LabAttempt], error) {
				f.Paging = p
				return b.LabHistory(cmd.Context(), f)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.LabAttempt]{Title: "SESSION", Cell: func(a hub.LabAttempt) string { return a.ID }},
				cli.Column[hub.LabAttempt]{Title: "LAB", Cell: func(a hub.LabAttempt) string { return a.LabID }},
				cli.Column[hub.LabAttempt]{Title: "COURSE", Cell: func(a hub.LabAttempt) string { return a.Course }},
				cli.Column[hub.LabAttempt]{Title: "BEGAN", Cell: func(a hub.LabAttempt) string { return env.Shown().When(a.BeganAt.Local(), "2006-01-02 15:04") }},
				cli.Column[hub.LabAttempt]{Title: "MINUTES", Cell: func(a hub.LabAttempt) string { return strconv.Itoa(a.Minutes) }},
				cli.Column[hub.LabAttempt]{Title: "CHECKS", Cell: func(a hub.LabAttempt) string { return fmt.Sprintf("%d/%d", a.ChecksPassed, a.Checks) }},
				cli.Column[hub.LabAttempt]{Title: "ENDED", Cell: func(a hub.LabAttempt) string { return ending(env.Shown(), a) }},
			)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.Lab, "lab", "", "only those of this `LAB`")
	fl.StringVar(&f.Course, "course", "", "only those of the labs of this `COURSE`")
	fl.IntVar(&limit, "limit", 100, "show at most `N`")
	return cmd
}

// ending is how a session ended, or that it runs.
func ending(sp words.Speaker, a hub.LabAttempt) string {
	switch {
	case a.EndedAt == nil:
		return sp.T("runs")
	case a.Reason != "":
		return sp.Told(a.Reason)
	}
	return sp.T(a.Outcome)
}
