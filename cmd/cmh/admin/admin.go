// Package admin is `cmh admin`: looking after other people's accounts and labs.
// Who may is the hub's to say.
package admin

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// Command returns the admin command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("admin", "Look after accounts and labs, as an admin", usersCmd(env), labsCmd(env), auditCmd(env), statsCmd(env))
}

// most is how many items of a list are shown when nobody says.
const most = 100

func labsCmd(env *cli.Env) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "labs",
		Short:   "List the labs that run, or stop one",
		Example: "  cmh admin labs\n  cmh admin labs --jq '.[].username'\n  cmh admin labs stop s-4kq2m7ah3x",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			items, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.LabInFlight], error) { return b.LabsInFlight(cmd.Context(), p) })
			if err != nil {
				return err
			}
			return cli.PrintList(env, items,
				cli.Column[hub.LabInFlight]{Title: "SESSION", Cell: func(l hub.LabInFlight) string { return l.ID }},
				cli.Column[hub.LabInFlight]{Title: "LAB", Cell: func(l hub.LabInFlight) string { return l.LabID }},
				cli.Column[hub.LabInFlight]{Title: "USER", Cell: func(l hub.LabInFlight) string { return l.Username }},
				cli.Column[hub.LabInFlight]{Title: "STATE", Cell: func(l hub.LabInFlight) string { return l.State }, Word: true},
				cli.Column[hub.LabInFlight]{Title: "STEP", Cell: func(l hub.LabInFlight) string { return fmt.Sprint(l.Step) }},
				cli.Column[hub.LabInFlight]{Title: "ENDS", Cell: func(l hub.LabInFlight) string { return env.Shown().When(l.ExpiresAt.Local(), "2006-01-02 15:04:05") }},
				cli.Column[hub.LabInFlight]{Title: "NODE", Cell: func(l hub.LabInFlight) string { return l.Node }},
			)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", most, "show at most `N`")
	cmd.AddCommand(&cobra.Command{
		Use:     "stop SESSION",
		Short:   "Stop somebody's lab",
		Long:    "Stop somebody's lab. What they made is kept, and they may go on with it.",
		Example: "  cmh admin labs stop s-4kq2m7ah3x --yes",
		Args:    cli.Args("SESSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := env.Confirm(cmd.Context(), env.Tf("Stop %s?", args[0])); err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.StopLabInFlight(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Stopped.")
			return nil
		},
	})
	return cmd
}

func auditCmd(env *cli.Env) *cobra.Command {
	var (
		f              hub.AuditFilter
		actor, subject string
		limit          int
	)
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Read who did what to which account",
		Long:  "Read who did what to which account, the newest first. Accounts are ids: an entry outlives its account.",
		Example: "  cmh admin audit --limit 20\n  cmh admin audit --subject ada@example.com --action account.role_changed\n" +
			"  cmh admin audit --action account --json",
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			for ref, to := range map[*string]*string{&actor: &f.ActorID, &subject: &f.SubjectID} {
				if *ref == "" {
					continue
				}
				a, err := b.Account(cmd.Context(), *ref)
				switch {
				case err == nil:
					*to = a.ID
				case hub.CodeOf(err) == hub.NotFound && isID(*ref):
					*to = *ref // it may be gone
				case hub.CodeOf(err) == hub.NotFound:
					return hub.Errorf(hub.NotFound, "There is no account %s; give its id if it is gone.", cli.CleanLine(*ref))
				default:
					return err
				}
			}
			items, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.AuditEntry], error) {
				f.Paging = p
				return b.AuditLog(cmd.Context(), f)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, items,
				cli.Column[hub.AuditEntry]{Title: "WHEN", Cell: func(e hub.AuditEntry) string { return env.Shown().When(e.At.Local(), "2006-01-02 15:04:05") }},
				cli.Column[hub.AuditEntry]{Title: "ACTION", Cell: func(e hub.AuditEntry) string { return e.Action }},
				cli.Column[hub.AuditEntry]{Title: "BY", Cell: func(e hub.AuditEntry) string { return e.ActorID }},
				cli.Column[hub.AuditEntry]{Title: "TO", Cell: func(e hub.AuditEntry) string { return e.SubjectID }},
				cli.Column[hub.AuditEntry]{Title: "WHAT", Cell: what},
			)
		},
	}
	cmd.Flags().StringVar(&actor, "actor", "", "only what `USER` did")
	cmd.Flags().StringVar(&subject, "subject", "", "only what was done to `USER`")
	cmd.Flags().StringVar(&f.Action, "action", "", "only this `ACTION`, or what begins with it up to a dot")
	cmd.Flags().IntVar(&limit, "limit", most, "show at most `N`")
	return cmd
}

// isID says whether that is written as the ids of accounts are.
func isID(s string) bool {
	return len(s) == 36 && strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}

func what(e hub.AuditEntry) string {
	words := make([]string, 0, len(e.Data))
	for _, k := range slices.Sorted(maps.Keys(e.Data)) {
		words = append(words, fmt.Sprintf("%s=%v", k, e.Data[k]))
	}
	return strings.Join(words, " ")
}

func statsCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "stats",
		Short:   "Show how much there is of everything",
		Long:    "Show how much there is of everything. Beyond 10,000 a number is the database's estimate, marked with ~.",
		Example: "  cmh admin stats\n  cmh admin stats --jq .users.count",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			s, err := b.Stats(cmd.Context())
			if err != nil {
				return err
			}
			return cli.Print(env, s, func(w io.Writer) {
				for _, line := range []struct {
					name string
					hub.Count
				}{
					{words.Mark("Accounts"), s.Users},
					{words.Mark("New accounts in 24 hours"), s.NewUsers},
					{words.Mark("Courses"), s.Courses},
					{words.Mark("Enrollments"), s.Enrollments},
					{words.Mark("Lessons begun"), s.Lessons},
					{words.Mark("Certificates"), s.Certificates},
					{words.Mark("Lab sessions ever"), s.LabSessions},
				} {
					about := ""
					if !line.Exact {
						about = "~"
					}
					row(env, w, line.name, fmt.Sprintf("%s%d", about, line.Count.Count))
				}
				for _, state := range slices.Sorted(maps.Keys(s.LabsRunning)) {
					row(env, w, env.Shown().Tf("Labs %s", env.Shown().T(cli.CleanLine(state))), fmt.Sprint(s.LabsRunning[state]))
				}
			})
		},
	}
}

func row(env *cli.Env, w io.Writer, name, value string) {
	if env.ForHumans() {
		_, _ = fmt.Fprintf(w, "%-25s %s\n", env.T(name), env.T(value))
		return
	}
	_, _ = fmt.Fprintf(w, "%s\t%s\n", name, value)
}
