package lab

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func listCmd(env *cli.Env) *cobra.Command {
	var f hub.LabFilter
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the labs there are",
		Example: "  cmh lab list\n  cmh lab list --course linux-shell --json=id,title,runnable",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.Lab], error) {
				f.Paging = p
				return b.Labs(cmd.Context(), f)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.Lab]{Title: "LAB", Cell: func(l hub.Lab) string { return l.ID }},
				cli.Column[hub.Lab]{Title: "COURSE", Cell: func(l hub.Lab) string { return l.Course }},
				cli.Column[hub.Lab]{Title: "STEPS", Cell: func(l hub.Lab) string { return strconv.Itoa(len(l.Steps)) }},
				cli.Column[hub.Lab]{Title: "MINUTES", Cell: func(l hub.Lab) string { return minutes(l.EstimatedTime) }},
				cli.Column[hub.Lab]{Title: "RUNS", Cell: func(l hub.Lab) string { return runs(env.Shown(), l) }},
				cli.Column[hub.Lab]{Title: "TITLE", Cell: func(l hub.Lab) string { return l.Title }},
			)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.Course, "course", "", "only those of this `COURSE`")
	fl.StringVar(&f.Provider, "provider", "", "only `NAME`: aws, azure, gcp, multi")
	fl.StringVar(&f.Query, "search", "", "only those that match `TEXT`")
	fl.BoolVar(&f.Runnable, "runnable", false, "only those that can run here")
	fl.IntVar(&limit, "limit", 100, "show at most `N`")
	return cmd
}

func minutes(n int) string {
	if n == 0 {
		return "?"
	}
	return strconv.Itoa(n)
}

func runs(sp words.Speaker, l hub.Lab) string {
	if l.Runnable {
		return sp.T("yes")
	}
	return sp.Tf("no, needs %s", strings.Join(l.Needs, ", "))
}

func viewCmd(env *cli.Env) *cobra.Command {
	var step int
	cmd := &cobra.Command{
		Use:     "view LAB",
		Aliases: []string{"show"},
		Short:   "Read a lab, or one step of it",
		Example: "  cmh lab view log-triage\n  cmh lab view log-triage --step 2",
		Args:    cli.Args("LAB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			l, err := b.Lab(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if step < 0 || step > len(l.Steps) {
				return hub.Errorf(hub.Invalid, "This lab has %d steps.", len(l.Steps))
			}
			if env.JSON {
				return cli.Print(env, l, nil)
			}
			if step > 0 {
				return env.Read(cmd.Context(), stepText(env, l, step))
			}
			return env.Read(cmd.Context(), overview(env, l))
		},
	}
	cmd.Flags().IntVar(&step, "step", 0, "only step `N`")
	return cmd
}

func overview(env *cli.Env, l hub.Lab) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", cli.CleanLine(l.Title), cli.CleanLine(l.ID))
	if l.Description != "" {
		b.WriteString("\n" + env.Markdown(l.Description))
	}
	if l.Instructions != "" {
		b.WriteString("\n" + env.Markdown(l.Instructions))
	}
	if len(l.Steps) > 0 {
		b.WriteString("\n" + env.T("Steps") + "\n")
	}
	for _, s := range l.Steps {
		fmt.Fprintf(&b, "  %d. %s\n", s.Number, cli.CleanLine(s.Title))
	}
	b.WriteString(whereabouts(env, l))
	if l.Runnable {
		env.Fprintf(&b, "\nStart it: cmh lab start %s\n", cli.CleanLine(l.ID))
	} else {
		env.Fprintf(&b, "\nIt can be read, but not run here: %s\n", cli.CleanLine(env.Words().Told(l.Reason)))
	}
	return b.String()
}

// whereabouts tells of a lab's hosts and terminals, where it has more than one.
func whereabouts(env *cli.Env, l hub.Lab) string {
	var b strings.Builder
	for i, h := range l.Hosts {
		if i == 0 {
			env.Fprintf(&b, "\nHosts\n  1. %s\n", cli.CleanLine(h))
		} else {
			env.Fprintf(&b, "  %d. %s: cmh lab attach --host %s\n", i+1, cli.CleanLine(h), cli.CleanLine(h))
		}
	}
	for i, t := range l.Terminals {
		if i == 0 {
			b.WriteString("\nTerminals\n")
		}
		env.Fprintf(&b, "  %s: cmh lab attach --terminal %s\n", cli.CleanLine(t.Name), cli.CleanLine(t.Session))
	}
	return b.String()
}

func sessionsCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "sessions",
		Short:   "List your lab sessions, running ones first",
		Example: "  cmh lab sessions\n  cmh lab sessions --jq '.[0].session_id'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			list, err := b.LabSessions(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, list,
				cli.Column[hub.LabSession]{Title: "SESSION", Cell: func(s hub.LabSession) string { return s.ID }},
				cli.Column[hub.LabSession]{Title: "LAB", Cell: func(s hub.LabSession) string { return s.LabID }},
				cli.Column[hub.LabSession]{Title: "STATE", Cell: func(s hub.LabSession) string { return s.State }, Word: true},
				cli.Column[hub.LabSession]{Title: "STEP", Cell: func(s hub.LabSession) string { return fmt.Sprintf("%d/%d", s.Step, len(s.Steps)) }},
				cli.Column[hub.LabSession]{Title: "LEFT", Cell: func(s hub.LabSession) string {
					if hub.Ended(s.State) {
						return "-"
					}
					return left(env, s.ExpiresAt)
				}},
				cli.Column[hub.LabSession]{Title: "TITLE", Cell: func(s hub.LabSession) string { return s.Title }},
			)
		},
	}
}
