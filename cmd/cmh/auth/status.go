package auth

import (
	"fmt"

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

func tokenCmd(env *cli.Env, k Keeper) *cobra.Command {
	return &cobra.Command{
		Use:     "token",
		Short:   "Print a fresh access token, for scripts",
		Example: "  curl -H \"Authorization: Bearer $(cmh auth token)\" $CMH_SERVER/v1/users/profile",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if _, err := b.Profile(cmd.Context()); err != nil { // renews the token when it has run out
				return err
			}
			t, err := k.Token(cmd.Context())
			if err != nil {
				return err
			}
			if t == "" {
				return hub.Errorf(hub.Unauthenticated, "You are not signed in.")
			}
			_, err = fmt.Fprintln(env.Out, cli.CleanLine(t))
			return err
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
