package auth

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func registerCmd(env *cli.Env, k Keeper) *cobra.Command {
	var o registerOptions
	cmd := &cobra.Command{
		Use:     "register",
		Short:   "Make an account and sign in",
		Example: "  cmh auth register\n  cmh auth register --email ada@example.com --username ada --password-stdin <p",
		Args:    cli.Args(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env, k) },
	}
	f := cmd.Flags()
	f.StringVar(&o.email, "email", "", "your `EMAIL` address")
	f.StringVar(&o.username, "username", "", "the `NAME` others see")
	f.BoolVar(&o.stdin, "password-stdin", false, "read the password from standard input")
	f.BoolVar(&o.insecure, "insecure-storage", false, "keep the sign-in in a file, not in the keyring")
	return cmd
}

type registerOptions struct {
	email, username string
	stdin, insecure bool
}

func (o registerOptions) run(ctx context.Context, env *cli.Env, k Keeper) error {
	if err := ready(env, k, o.insecure); err != nil {
		return err
	}
	email, err := orAsk(ctx, env, o.email, "E-mail:", "--email")
	if err != nil {
		return err
	}
	username, err := orAsk(ctx, env, o.username, "User name:", "--username")
	if err != nil {
		return err
	}
	pass, err := password(ctx, env, o.stdin)
	if err != nil {
		return err
	}
	if !o.stdin {
		again, err := env.AskSecret(ctx, "The same again:", "--password-stdin")
		if err != nil {
			return err
		}
		if again != pass {
			return hub.Errorf(hub.Invalid, "The two passwords differ.")
		}
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	l, err := b.Register(ctx, hub.Registration{Email: email, Username: username, Password: pass})
	if err != nil {
		return err
	}
	return signedIn(env, k, &l.User)
}
