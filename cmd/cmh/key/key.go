// Package key is `cmh key ...`: the SSH public keys that sign a learner in at
// the gateway.
package key

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the key command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("key", "Manage the SSH keys that sign you in", addCmd(env), listCmd(env), removeCmd(env))
}

func listCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List your SSH keys",
		Example: "  cmh key list\n  cmh key list --json=name,fingerprint",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			keys, err := b.Keys(cmd.Context())
			if err != nil {
				return err
			}
			return cli.PrintList(env, keys,
				cli.Column[hub.Key]{Title: "NAME", Cell: func(k hub.Key) string { return k.Name }},
				cli.Column[hub.Key]{Title: "TYPE", Cell: func(k hub.Key) string { return k.Type }},
				cli.Column[hub.Key]{Title: "FINGERPRINT", Cell: func(k hub.Key) string { return k.Fingerprint }},
				cli.Column[hub.Key]{Title: "ADDED", Cell: func(k hub.Key) string { return env.Shown().When(k.CreatedAt.Local(), "2006-01-02") }},
			)
		},
	}
}

func addCmd(env *cli.Env) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "add [FILE]",
		Short:   "Add a public key",
		Long:    "Add a public key: the one in FILE, or on standard input for \"-\". Without FILE it is the first of id_ed25519.pub, id_ecdsa.pub and id_rsa.pub in ~/.ssh.",
		Example: "  cmh key add\n  cmh key add ~/.ssh/work.pub --name work\n  ssh-add -L | head -1 | cmh key add -",
		Args:    cli.Args("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := ""
			if len(args) == 1 {
				file = args[0]
			}
			text, err := publicKey(env, file)
			if err != nil {
				return err
			}
			return add(cmd.Context(), env, hub.NewKey{Name: name, PublicKey: text})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "a `NAME` for the key; its comment when absent")
	return cmd
}

func add(ctx context.Context, env *cli.Env, k hub.NewKey) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	added, err := b.AddKey(ctx, k)
	if err != nil {
		return err
	}
	return cli.Print(env, added, func(w io.Writer) {
		env.Fprintf(w, "Added %s (%s).\n", cli.CleanLine(added.Name), cli.CleanLine(added.Fingerprint))
	})
}

const maxKey = 16 << 10

// publicKey reads the key. A file that holds a private key never leaves this
// machine.
func publicKey(env *cli.Env, file string) (string, error) {
	r := env.In
	if file != "-" {
		if !env.ShowCause { // somebody else's machine
			return "", hub.Errorf(hub.Invalid, "Files can't be read here. Send the key on standard input: cmh key add -")
		}
		if file == "" {
			var err error
			if file, err = usual(); err != nil {
				return "", err
			}
		}
		f, err := os.Open(file)
		if err != nil {
			return "", hub.Wrap(err, hub.Invalid, "The key can't be read.")
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxKey+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxKey {
		return "", hub.Errorf(hub.Invalid, "That is too long for a public key.")
	}
	return checked(string(b))
}

func usual() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", hub.Wrap(err, hub.Invalid, "FILE is missing.")
	}
	for _, name := range []string{"id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"} {
		path := filepath.Join(home, ".ssh", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", hub.Errorf(hub.NotFound, "There is no public key in ~/.ssh. Make one with: ssh-keygen -t ed25519")
}

func removeCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "remove KEY",
		Short:   "Remove a key, by name or fingerprint",
		Example: "  cmh key remove work\n  cmh key remove SHA256:4Zq... --yes",
		Args:    cli.Args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := env.Confirm(cmd.Context(), "This key will no longer sign you in."); err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.RemoveKey(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Removed %s.", args[0])
			return nil
		},
	}
}
