package author

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Reviewer is what the commands about reports need of the hub.
type Reviewer interface {
	LabReports(ctx context.Context, lab string) ([]hub.LabReport, error)
	SettleReport(ctx context.Context, report string) error
	MarkCheck(ctx context.Context, lab string, step int, broken bool, note string) (hub.CheckMark, error)
}

func reviewer(env *cli.Env) (Reviewer, error) {
	b, err := env.Backend()
	if err != nil {
		return nil, err
	}
	r, ok := b.(Reviewer)
	if !ok {
		return nil, hub.Errorf(hub.Invalid, "This can't be done here. Run cmh on your own machine.")
	}
	return r, nil
}

func reportsCmd(env *cli.Env) *cobra.Command {
	var lab, settle string
	cmd := &cobra.Command{
		Use:   "reports",
		Short: "Read what learners report of checks",
		Long: "Read what learners report of the checks of your labs, the newest first; as an admin, of all labs. Each says how the step stood. " +
			"With --settle a report is taken off the list.",
		Example: "  cmh author reports\n  cmh author reports --lab find-the-log --json\n  cmh author reports --settle r-4kq2m7ah3x",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := reviewer(env)
			if err != nil {
				return err
			}
			if settle != "" {
				if err := r.SettleReport(cmd.Context(), settle); err != nil {
					return err
				}
				env.Say("Settled.")
				return nil
			}
			all, err := r.LabReports(cmd.Context(), lab)
			if err != nil {
				return err
			}
			return cli.Print(env, all, func(io.Writer) {
				_ = cli.PrintList(env, all,
					cli.Column[hub.LabReport]{Title: "REPORT", Cell: func(r hub.LabReport) string { return r.ID }},
					cli.Column[hub.LabReport]{Title: "LAB", Cell: func(r hub.LabReport) string { return r.LabID }},
					cli.Column[hub.LabReport]{Title: "STEP", Cell: func(r hub.LabReport) string { return fmt.Sprint(r.Step) }},
					cli.Column[hub.LabReport]{Title: "STATE", Cell: func(r hub.LabReport) string { return r.Verdict.State }, Word: true},
					cli.Column[hub.LabReport]{Title: "TRIES", Cell: func(r hub.LabReport) string { return fmt.Sprint(r.Verdict.Attempts) }},
					cli.Column[hub.LabReport]{Title: "WHEN", Cell: func(r hub.LabReport) string { return env.Shown().When(r.CreatedAt.Local(), "2006-01-02 15:04:05") }},
					cli.Column[hub.LabReport]{Title: "TEXT", Cell: func(r hub.LabReport) string { return r.Text }},
				)
			})
		},
	}
	cmd.Flags().StringVar(&lab, "lab", "", "only those on the lab `LAB`")
	cmd.Flags().StringVar(&settle, "settle", "", "take the report `REPORT` off the list")
	return cmd
}

func brokenCmd(env *cli.Env) *cobra.Command {
	var (
		note string
		undo bool
	)
	cmd := &cobra.Command{
		Use:   "broken LAB STEP",
		Short: "Mark the check of a step as broken",
		Long: "Mark the check of a step as broken: the step counts as one without a check, also in sessions that run, and keeps nobody from going on. " +
			"It holds until the lab has a new version, or --undo.",
		Example: "  cmh author broken find-the-log 2 --note 'greps for the old name'\n  cmh author broken find-the-log 2 --undo",
		Args:    cli.Args("LAB", "STEP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			step, err := strconv.Atoi(args[1])
			if err != nil || step < 1 {
				return hub.Errorf(hub.Invalid, "Steps are counted from 1.")
			}
			r, err := reviewer(env)
			if err != nil {
				return err
			}
			m, err := r.MarkCheck(cmd.Context(), args[0], step, !undo, note)
			if err != nil {
				return err
			}
			return cli.Print(env, m, func(w io.Writer) {
				if m.Broken {
					env.Fprintf(w, "The check of step %d of %s is marked as broken; the step counts without it.\n", m.Step, cli.CleanLine(m.LabID))
					return
				}
				env.Fprintf(w, "The check of step %d of %s counts.\n", m.Step, cli.CleanLine(m.LabID))
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "`TEXT` for others who teach")
	cmd.Flags().BoolVar(&undo, "undo", false, "the check is good again")
	return cmd
}
