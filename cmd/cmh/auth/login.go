package auth

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func loginCmd(env *cli.Env, k Keeper) *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in",
		Long: "Sign in, with a password or with a code: --device shows one that you confirm in any browser, or with cmh auth device approve where you are signed in. " +
			"On a terminal and without flags you are asked which. The sign-in is kept in the system's keyring, or, where there is none, " +
			"in a file that only you can read. Scripts can set CMH_TOKEN instead: it wins, and nothing is written.",
		Example: "  cmh auth login\n  cmh auth login --device\n  cmh auth login --email ada@example.com --password-stdin <pass.txt",
		Args:    cli.Args(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env, k) },
	}
	f := cmd.Flags()
	f.StringVar(&o.email, "email", "", "your `EMAIL` or user name")
	f.BoolVar(&o.stdin, "password-stdin", false, "read the password from standard input")
	f.BoolVar(&o.device, "device", false, "sign in with a code that you confirm elsewhere")
	f.BoolVar(&o.insecure, "insecure-storage", false, "keep the sign-in in a file, not in the keyring")
	return cmd
}

type loginOptions struct {
	email                   string
	stdin, insecure, device bool
}

func (o loginOptions) run(ctx context.Context, env *cli.Env, k Keeper) error {
	if err := ready(env, k, o.insecure); err != nil {
		return err
	}
	if o.device {
		if o.email != "" || o.stdin {
			return hub.Errorf(hub.Invalid, "Give --device, or --email and a password.")
		}
		return byCode(ctx, env, k)
	}
	question := words.Mark("E-mail or user name:")
	mayCode := o.email == "" && !o.stdin && env.Interactive()
	if mayCode {
		question = words.Mark("E-mail or user name (or nothing, to sign in with a code):")
	}
	email, err := orAsk(ctx, env, o.email, question, "--email")
	if err != nil {
		return err
	}
	if email == "" && mayCode {
		return byCode(ctx, env, k)
	}
	pass, err := password(ctx, env, o.stdin)
	if err != nil {
		return err
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	l, err := b.Login(ctx, hub.Credentials{Email: email, Password: pass})
	if err != nil {
		return err
	}
	return signedIn(env, k, &l.User)
}

// ready makes sure that a sign-in will have an effect, before the hub is asked for
// one that would stay there.
func ready(env *cli.Env, k Keeper, insecure bool) error {
	if env.Var("CMH_TOKEN") != "" {
		return hub.Errorf(hub.Invalid, "CMH_TOKEN is set and wins over a sign-in. Unset it first.")
	}
	if err := k.CanKeep(); err != nil {
		return err
	}
	if insecure {
		return k.KeepInFile()
	}
	return nil
}
