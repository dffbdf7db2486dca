package auth

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.insecure, "insecure-storage", false, "keep the sign-in in a file, not in the keyring")
	return cmd
}

type registerOptions struct {
	email, username string
	stdin, insecure bool
}

// flags are those that say what ask would ask for.
func (o *registerOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.email, "email", "", "your `EMAIL` address")
	f.StringVar(&o.username, "username", "", "the `NAME` others see")
	f.BoolVar(&o.stdin, "password-stdin", false, "read the password from standard input")
}

func (o registerOptions) run(ctx context.Context, env *cli.Env, k Keeper) error {
	if err := ready(env, k, o.insecure); err != nil {
		return err
	}
	r, err := o.ask(ctx, env)
	if err != nil {
		return err
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	l, err := b.Register(ctx, r)
	if err != nil {
		return err
	}
	return signedIn(env, k, &l.User)
}

// ask is what flags say, and asks for what they don't.
func (o registerOptions) ask(ctx context.Context, env *cli.Env) (r hub.Registration, err error) {
	if r.Email, err = orAsk(ctx, env, o.email, "E-mail:", "--email"); err != nil {
		return r, err
	}
	if r.Username, err = orAsk(ctx, env, o.username, "User name:", "--username"); err != nil {
		return r, err
	}
	if r.Password, err = password(ctx, env, o.stdin); err != nil || o.stdin {
		return r, err
	}
	again, err := env.AskSecret(ctx, "The same again:", "--password-stdin")
	if err == nil && again != r.Password {
		err = hub.Errorf(hub.Invalid, "The two passwords differ.")
	}
	return r, err
}
