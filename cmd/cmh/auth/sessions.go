package auth

import (
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// How somebody has signed in, in words.
var _ = [...]string{words.Mark("password"), words.Mark("device")}

func sessionsCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sessions",
		Short:   "List where you are signed in",
		Example: "  cmh auth sessions\n  cmh auth sessions --json=id,client,current",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			all, err := b.Sessions(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[hub.Session]{Title: "ID", Cell: func(s hub.Session) string { return s.ID }},
				cli.Column[hub.Session]{Title: "HERE", Cell: func(s hub.Session) string { return cli.YesNo(s.Current) }, Word: true},
				cli.Column[hub.Session]{Title: "PROGRAM", Cell: func(s hub.Session) string { return s.Client }},
				cli.Column[hub.Session]{Title: "BY", Cell: func(s hub.Session) string { return s.Method }, Word: true},
				cli.Column[hub.Session]{Title: "SINCE", Cell: func(s hub.Session) string { return env.Shown().When(s.CreatedAt.UTC(), "2006-01-02 15:04") }})
		},
	}
	cmd.AddCommand(revokeCmd(env))
	return cmd
}

func revokeCmd(env *cli.Env) *cobra.Command {
	var others bool
	cmd := &cobra.Command{
		Use:     "revoke [ID]",
		Short:   "End a sign-in, or all but this one",
		Example: "  cmh auth sessions revoke 0b1f3a52-9a30-4a5e-8a3f-8f1c2d3e4f50\n  cmh auth sessions revoke --others",
		Args:    cli.Args("[ID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if others == (len(args) == 1) {
				return hub.Errorf(hub.Invalid, "Name a sign-in (cmh auth sessions lists them), or say --others.")
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if !others {
				if err := b.EndSession(cmd.Context(), args[0]); err != nil {
					return err
				}
				env.Say("Ended.")
				return nil
			}
			n, err := b.EndOtherSessions(cmd.Context())
			if err != nil {
				return err
			}
			env.Say("Ended %d.", n)
			return nil
		},
	}
	cmd.Flags().BoolVar(&others, "others", false, "end every sign-in but this one")
	return cmd
}
