// Package auth is `cmh auth ...`: making an account, signing in and out. Where
// a sign-in is kept is the Keeper's.
package auth

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// A Keeper keeps the sign-in of this machine.
type Keeper interface {
	// CanKeep says why no sign-in can be kept, where that is known beforehand.
	CanKeep() error
	// KeepInFile makes the next sign-in go to a file, not to a keyring.
	KeepInFile() error
	// Remember notes that somebody has signed in at the hub in use.
	Remember() error
	// Server is the address of the hub in use.
	Server() (string, error)
	// Source says where the token in use comes from; empty when signed out.
	Source() (string, error)
	// Token is the access token in use.
	Token(ctx context.Context) (string, error)
}

// Command returns the auth command.
func Command(env *cli.Env, k Keeper) *cobra.Command {
	return cli.Group("auth", "Make an account, sign in and out",
		append(Shared(env), registerCmd(env, k), loginCmd(env, k), logoutCmd(env, k), statusCmd(env, k), tokenCmd(env, k))...)
}

// Shared returns the subcommands that keep nothing on this machine, so that
// they work over SSH as well.
func Shared(env *cli.Env) []*cobra.Command {
	return []*cobra.Command{deviceCmd(env), sessionsCmd(env), passwordCmd(env), forgotCmd(env), resetCmd(env), emailCmd(env), verifyCmd(env)}
}

// Lists returns an auth command that only lists sign-ins and API keys.
func Lists(env *cli.Env) *cobra.Command {
	return cli.Group("auth", "See who may come in", sessionsCmd(env), cli.Group("token", "See your API keys", listTokensCmd(env)))
}

// Status is what `auth status`, `login` and `register` print as JSON.
type Status struct {
	Server   string    `json:"server"`
	SignedIn bool      `json:"signed_in"`
	Source   string    `json:"source"` // CMH_TOKEN, a file, the keyring
	User     *hub.User `json:"user,omitempty"`
}

// signedIn ends a command that has signed user in.
func signedIn(env *cli.Env, k Keeper, user *hub.User) error {
	if err := k.Remember(); err != nil {
		return err
	}
	return printStatus(env, k, user)
}

func printStatus(env *cli.Env, k Keeper, user *hub.User) error {
	server, err := k.Server()
	if err != nil {
		return err
	}
	source, err := k.Source()
	if err != nil {
		return err
	}
	return cli.Print(env, Status{server, user != nil, source, user}, func(w io.Writer) {
		if user == nil {
			env.Fprintf(w, "Not signed in at %s.\n", cli.CleanLine(server))
			env.Say(cli.LogInWith)
			return
		}
		env.Fprintf(w, "Signed in at %s as %s (%s), role %s.\nThe sign-in comes from %s.\n", cli.CleanLine(server),
			cli.CleanLine(user.Username), cli.CleanLine(user.Email), cli.CleanLine(string(user.Role)), cli.CleanLine(env.T(source)))
	})
}

// password reads the password the way the caller chose.
func password(ctx context.Context, env *cli.Env, fromStdin bool) (string, error) {
	if !fromStdin {
		return env.AskSecret(ctx, "Password:", "--password-stdin")
	}
	b, err := io.ReadAll(io.LimitReader(env.In, 4096))
	if err != nil {
		return "", err
	}
	p := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if p == "" {
		return "", hub.Errorf(hub.Invalid, "There is no password on standard input.")
	}
	return p, nil
}

// orAsk returns value, or asks for it.
func orAsk(ctx context.Context, env *cli.Env, value, question, flag string) (string, error) {
	if value != "" {
		return value, nil
	}
	return env.Ask(ctx, question, flag)
}
