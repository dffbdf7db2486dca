package admin

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func usersCmd(env *cli.Env) *cobra.Command {
	return cli.Group("users", "Look after accounts", listUsersCmd(env), viewUserCmd(env), roleCmd(env),
		suspendCmd(env), unsuspendCmd(env))
}

func listUsersCmd(env *cli.Env) *cobra.Command {
	var (
		f     hub.AccountFilter
		role  string
		limit int
	)
	cmd := &cobra.Command{
		Use:     "list [BEGINNING|ID]",
		Short:   "List accounts, the newest first",
		Long:    "List accounts, the newest first: all, or those whose e-mail address or user name begins like that, or the one with that id.",
		Example: "  cmh admin users list\n  cmh admin users list ada --role instructor\n  cmh admin users list --suspended --json=email,suspended_at",
		Args:    cli.Args("[BEGINNING|ID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.Query = args[0]
			}
			f.Role = hub.Role(role)
			b, err := env.Backend()
			if err != nil {
				return err
			}
			items, err := cli.All(limit, func(p hub.Paging) (hub.Page[hub.Account], error) {
				f.Paging = p
				return b.Accounts(cmd.Context(), f)
			})
			if err != nil {
				return err
			}
			return cli.PrintList(env, items,
				cli.Column[hub.Account]{Title: "USER", Cell: func(a hub.Account) string { return a.Username }},
				cli.Column[hub.Account]{Title: "EMAIL", Cell: func(a hub.Account) string { return a.Email }},
				cli.Column[hub.Account]{Title: "ROLE", Cell: func(a hub.Account) string { return string(a.Role) }},
				cli.Column[hub.Account]{Title: "STATE", Cell: state},
				cli.Column[hub.Account]{Title: "SINCE", Cell: func(a hub.Account) string { return env.Shown().When(a.CreatedAt.Local(), "2006-01-02") }},
				cli.Column[hub.Account]{Title: "ID", Cell: func(a hub.Account) string { return a.ID }},
			)
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "only those with this `ROLE`")
	cmd.Flags().BoolVar(&f.Suspended, "suspended", false, "only those that are suspended")
	cmd.Flags().IntVar(&limit, "limit", most, "show at most `N`")
	return cmd
}

func state(a hub.Account) string {
	switch {
	case a.SuspendedAt != nil:
		return "suspended"
	case a.DeleteAt != nil:
		return "going"
	}
	return "open"
}

func viewUserCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "view USER",
		Aliases: []string{"show"},
		Short:   "Show an account",
		Long:    "Show an account, named by its id, e-mail address or user name.",
		Example: "  cmh admin users view ada@example.com\n  cmh admin users view ada --jq .last_seen_at",
		Args:    cli.Args("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			return show(env)(b.Account(cmd.Context(), args[0]))
		},
	}
}

// show prints an account.
func show(env *cli.Env) func(hub.AccountDetail, error) error {
	return func(d hub.AccountDetail, err error) error {
		if err != nil {
			return err
		}
		return cli.Print(env, d, func(w io.Writer) {
			seen := words.Mark("never")
			if d.LastSeenAt != nil {
				seen = env.Shown().When(d.LastSeenAt.Local(), "2006-01-02 15:04:05")
			}
			for _, line := range [][2]string{
				{words.Mark("User"), d.Username},
				{words.Mark("E-mail"), d.Email},
				{words.Mark("Verified"), cli.YesNo(d.EmailVerified)},
				{words.Mark("Role"), string(d.Role)},
				{words.Mark("State"), state(d.Account)},
				{words.Mark("ID"), d.ID},
				{words.Mark("Since"), env.Shown().When(d.CreatedAt.Local(), "2006-01-02 15:04:05")},
				{words.Mark("Last seen"), seen},
				{words.Mark("Sign-ins"), fmt.Sprint(d.SignIns)},
				{words.Mark("API keys"), fmt.Sprint(d.APIKeys)},
				{words.Mark("SSH keys"), fmt.Sprint(d.SSHKeys)},
				{words.Mark("Courses"), fmt.Sprint(d.Enrollments)},
				{words.Mark("Certificates"), fmt.Sprint(d.Certificates)},
				{words.Mark("Labs running"), fmt.Sprint(d.LabsRunning)},
			} {
				row(env, w, line[0], cli.CleanLine(line[1]))
			}
		})
	}
}

func roleCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "role USER ROLE",
		Short: "Give an account another role",
		Long: "Give an account another role: free, premium, instructor or admin. Its sign-ins end; with a lower role its API keys are removed for good. " +
			"The last admin stays one.",
		Example: "  cmh admin users role ada@example.com instructor\n  cmh admin users role ada free --yes",
		Args:    cli.Args("USER", "ROLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask := env.Tf("Give %s the role %s, which ends their sign-ins and, if it is lower, removes their API keys for good?", args[0], args[1])
			return change(cmd.Context(), env, ask, func(b cli.Backend) (hub.AccountDetail, error) {
				return b.SetRole(cmd.Context(), args[0], hub.Role(args[1]))
			})
		},
	}
}

func suspendCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "suspend USER",
		Short: "Close every door to an account",
		Long: "Close every door to an account at once: its sign-ins end, its keys let nobody in, and its labs stop, with what was made in them kept. " +
			"It lasts until unsuspend.",
		Example: "  cmh admin users suspend mallory --yes",
		Args:    cli.Args("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), env, env.Tf("Suspend %s, and stop their labs?", args[0]), func(b cli.Backend) (hub.AccountDetail, error) {
				return b.Suspend(cmd.Context(), args[0])
			})
		},
	}
}

func unsuspendCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "unsuspend USER",
		Short:   "Open a suspended account again",
		Example: "  cmh admin users unsuspend mallory",
		Args:    cli.Args("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), env, "", func(b cli.Backend) (hub.AccountDetail, error) { return b.Unsuspend(cmd.Context(), args[0]) })
		},
	}
}

// change asks, unless there is nothing to ask, and prints what became of the
// account.
func change(ctx context.Context, env *cli.Env, ask string, do func(cli.Backend) (hub.AccountDetail, error)) error {
	if ask != "" {
		if err := env.Confirm(ctx, ask); err != nil {
			return err
		}
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	return show(env)(do(b))
}
