package profile

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func exportCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Print everything the hub keeps about you, as JSON",
		Example: "  cmh profile export >me.json\n  cmh profile export --jq '.data.user_progress | length'",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			e, err := b.Export(cmd.Context())
			if err != nil {
				return err
			}
			return cli.Print(env, e, func(w io.Writer) {
				_ = cli.WriteJSON(w, e, true) // the reader may be gone
			})
		},
	}
}

func deleteCmd(env *cli.Env) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete your account and everything in it",
		Long: "Delete your account and everything in it. It is closed at once and goes after a while, which the answer names; signing in before then keeps it. " +
			"A sign-in of the last ten minutes needs no password.",
		Example: "  cmh profile export >me.json && cmh profile delete\n  cmh profile delete --yes --password-stdin <pass.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return deleteAccount(cmd.Context(), env, stdin)
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read your password from standard input")
	return cmd
}

func deleteAccount(ctx context.Context, env *cli.Env, stdin bool) error {
	if err := env.Confirm(ctx, "Delete your account, with all progress, labs, keys and recordings?"); err != nil {
		return err
	}
	var d hub.Deletion
	if stdin {
		raw, err := io.ReadAll(io.LimitReader(env.In, 4096))
		if err != nil {
			return err
		}
		d.Password = strings.TrimRight(string(raw), "\r\n")
	}
	b, err := env.Backend()
	if err != nil {
		return err
	}
	at, err := b.DeleteAccount(ctx, d)
	if hub.CodeOf(err) == hub.Forbidden && !stdin && env.Interactive() {
		if d.Password, err = env.AskSecret(ctx, "Password:", "--password-stdin"); err != nil {
			return err
		}
		at, err = b.DeleteAccount(ctx, d)
	}
	if err != nil {
		return err
	}
	return cli.Print(env, at, func(w io.Writer) {
		env.Fprintf(w, "Your account is closed and goes on %s. Sign in before then to keep it.\n", env.Words().When(at.DeleteAt.UTC(), "2006-01-02 15:04 UTC"))
	})
}
