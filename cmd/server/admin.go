package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
)

func adminCommand(env *cli.Env, config configFunc) *cobra.Command {
	return cli.Group("admin", "Manage accounts, as the operator of this machine", adminCreateCommand(env, config), adminResetPasswordCommand(env, config))
}

// sayStdin is where secrets come from: what is on a command line, others read.
const sayStdin = "Give the password on standard input, with --password-stdin."

func adminCreateCommand(env *cli.Env, config configFunc) *cobra.Command {
	var (
		r     hub.Registration
		role  string
		stdin bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Make an account with any role, beside a running server or without one",
		Example: "  cmh-server admin create --email ada@example.com --password-stdin <password.txt\n" +
			"  cmh-server admin create --email bob@example.com --role instructor --password-stdin <password.txt",
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.Email == "" {
				return hub.Errorf(hub.Invalid, "%s is missing. Usage: %s", "--email", cmd.UseLine())
			}
			if !stdin {
				return hub.Errorf(hub.Invalid, sayStdin)
			}
			var err error
			if r.Password, err = readLine(cmd.InOrStdin()); err != nil {
				return err
			}
			if r.Username == "" {
				r.Username = usernameOf(r.Email)
			}
			cfg, err := config()
			if err != nil {
				return err
			}
			u, err := server.CreateUser(cmd.Context(), cfg, r, hub.Role(role))
			if err != nil {
				return err
			}
			fmt.Fprint(env.Out, env.Shown().Tf("%s (%s) is now %s\n", u.Username, u.Email, hub.Word(string(u.Role))))
			return nil
		},
	}
	c.Flags().StringVar(&r.Email, "email", "", "e-mail address (required)")
	c.Flags().StringVar(&r.Username, "username", "", "user name; the e-mail address's first part")
	c.Flags().StringVar(&role, "role", string(hub.Admin), "free, premium, instructor or admin")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	return c
}

func adminResetPasswordCommand(env *cli.Env, config configFunc) *cobra.Command {
	var (
		login string
		stdin bool
	)
	c := &cobra.Command{
		Use:     "reset-password",
		Short:   "Give somebody a new password, and end their sign-ins",
		Long:    "Give somebody a new password, and end their sign-ins. For hubs that send no e-mail; elsewhere people ask for a message themselves.",
		Example: "  cmh-server admin reset-password --user ada@example.com --password-stdin <password.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if login == "" {
				return hub.Errorf(hub.Invalid, "%s is missing. Usage: %s", "--user", cmd.UseLine())
			}
			if !stdin {
				return hub.Errorf(hub.Invalid, sayStdin)
			}
			password, err := readLine(cmd.InOrStdin())
			if err != nil {
				return err
			}
			cfg, err := config()
			if err != nil {
				return err
			}
			u, err := server.ResetPassword(cmd.Context(), cfg, login, password)
			if err != nil {
				return err
			}
			fmt.Fprint(env.Out, env.Shown().Tf("%s (%s) has a new password\n", u.Username, u.Email))
			return nil
		},
	}
	c.Flags().StringVar(&login, "user", "", "e-mail address or user name (required)")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	return c
}

var notInUsername = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func usernameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	name := strings.TrimLeft(notInUsername.ReplaceAllString(local, "-"), "._-")
	return name[:min(len(name), 32)]
}
