package auth

import (
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func statusCmd(env *cli.Env, k Keeper) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Say who you are, and where the sign-in comes from",
		Long:    "Say who you are, at which server, and where the sign-in comes from. Exit status 4 when you are not signed in.",
		Example: "  cmh auth status\n  cmh auth status --jq .user.username",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := k.Source()
			if err != nil {
				return err
			}
			if source == "" {
				if err := printStatus(env, k, nil); err != nil {
					return err
				}
				return cli.StatusError(cli.ExitLogin)
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			user, err := b.Profile(cmd.Context())
			if err != nil {
				return err
			}
			return printStatus(env, k, &user)
		},
	}
}

func logoutCmd(env *cli.Env, k Keeper) *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "Sign out here and end the sign-in at the server",
		Example: "  cmh auth logout",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if env.Var("CMH_TOKEN") != "" {
				return hub.Errorf(hub.Invalid, "The token in CMH_TOKEN is in use. Unset it to sign out.")
			}
			source, err := k.Source()
			if err != nil {
				return err
			}
			if source == "" {
				env.Say("You were not signed in.")
				return nil
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.Logout(cmd.Context(), ""); err != nil { // what it kept is forgotten even then
				return err
			}
			env.Say("Signed out.")
			return nil
		},
	}
}
