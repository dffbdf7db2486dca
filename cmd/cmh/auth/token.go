package auth

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func tokenCmd(env *cli.Env, k Keeper) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a fresh access token; make, list and revoke API keys",
		Long: "Alone it prints the token in use, fresh, which is good for a quarter of an hour. " +
			"For programs make an API key: it lives longer, and does only what its scopes say. CMH_TOKEN takes either.",
		Example: "  curl -H \"Authorization: Bearer $(cmh auth token)\" $CMH_SERVER/v1/users/profile\n" +
			"  cmh auth token create --scope labs:run --expires 30d",
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := current(cmd.Context(), env, k)
			if err == nil {
				_, err = fmt.Fprintln(env.Out, cli.CleanLine(t))
			}
			return err
		},
	}
	cmd.AddCommand(createTokenCmd(env), listTokensCmd(env), revokeTokenCmd(env))
	return cmd
}

// current is the token in use, renewed when it has run out.
func current(ctx context.Context, env *cli.Env, k Keeper) (string, error) {
	if env.Var("CMH_TOKEN") == "" { // which is never renewed, and may be a key that can't read profiles
		b, err := env.Backend()
		if err != nil {
			return "", err
		}
		if _, err := b.Profile(ctx); err != nil {
			return "", err
		}
	}
	t, err := k.Token(ctx)
	if err == nil && t == "" {
		err = hub.Errorf(hub.Unauthenticated, "You are not signed in.")
	}
	return t, err
}

func createTokenCmd(env *cli.Env) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an API key for a program",
		Long: "Make an API key for a program. It is printed this once and can't be seen again. What writes or runs also reads. The scopes are:\n" +
			scopeNames(),
		Example: "  cmh auth token create --scope labs:run --expires 30d\n" +
			"  export CMH_TOKEN=$(cmh auth token create --name ci --scope labs:run)",
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.scopes, "scope", nil, "what it is for: a `SCOPE`, more with commas or by repeating")
	f.StringVar(&o.expires, "expires", "90d", "how `LONG` it lives: 12h, 30d, a year at most")
	f.StringVar(&o.name, "name", "", "a `NAME` to know it by; how it begins when absent")
	return cmd
}

type createOptions struct {
	scopes        []string
	expires, name string
}

func (o createOptions) run(ctx context.Context, env *cli.Env) error {
	life, err := lifetime(o.expires)
	if err != nil {
		return err
	}
	if len(o.scopes) == 0 {
		return hub.Errorf(hub.Invalid, "Say what the key is for with --scope: %s.", scopeNames())
	}
	n := hub.NewAPIKey{Name: o.name, ExpiresIn: int64(life / time.Second)}
	for _, s := range o.scopes {
		n.Scopes = append(n.Scopes, hub.Scope(s))
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	made, err := b.CreateAPIKey(ctx, n)
	if err != nil {
		return err
	}
	return cli.Print(env, made, func(w io.Writer) {
		_, _ = fmt.Fprintln(w, cli.CleanLine(made.Token))
		env.Say("%s works until %s. Keep it: it isn't shown again.", made.Name, env.Words().When(made.ExpiresAt.Local(), "2006-01-02"))
	})
}

// lifetime reads 30d, or what time.ParseDuration reads.
func lifetime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var days int
		days, err = strconv.Atoi(n)
		d = time.Duration(min(days, 10_000)) * 24 * time.Hour
	}
	if err != nil || d < time.Minute {
		return 0, hub.Errorf(hub.Invalid, "--expires takes how long it lives, such as 12h or 30d, and %q is not that.", s)
	}
	return d, nil
}

func scopeNames() string {
	names := make([]string, len(hub.Scopes))
	for i, s := range hub.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func listTokensCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List your API keys",
		Example: "  cmh auth token list\n  cmh auth token list --json=name,scopes,last_used_at",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			keys, err := b.APIKeys(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, keys,
				cli.Column[hub.APIKey]{Title: "NAME", Cell: func(k hub.APIKey) string { return k.Name }},
				cli.Column[hub.APIKey]{Title: "KEY", Cell: func(k hub.APIKey) string { return k.Hint + "..." }},
				cli.Column[hub.APIKey]{Title: "SCOPES", Cell: func(k hub.APIKey) string {
					names := make([]string, len(k.Scopes))
					for i, s := range k.Scopes {
						names[i] = string(s)
					}
					return strings.Join(names, " ")
				}},
				cli.Column[hub.APIKey]{Title: "EXPIRES", Cell: func(k hub.APIKey) string { return env.Shown().When(k.ExpiresAt.Local(), "2006-01-02") }},
				cli.Column[hub.APIKey]{Title: "LAST USED", Cell: func(k hub.APIKey) string {
					if k.LastUsedAt == nil {
						return env.Shown().T("never")
					}
					return env.Shown().When(k.LastUsedAt.Local(), "2006-01-02")
				}},
			)
		},
	}
}

func revokeTokenCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke KEY",
		Short:   "Revoke an API key, by name, id or how it begins",
		Example: "  cmh auth token revoke ci\n  cmh auth token revoke cmh_AB12CD --yes",
		Args:    cli.Args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := env.Confirm(cmd.Context(), "Whatever uses this key stops working."); err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.RevokeAPIKey(cmd.Context(), strings.TrimSuffix(args[0], "...")); err != nil {
				return err
			}
			env.Say("Revoked %s.", args[0])
			return nil
		},
	}
}
