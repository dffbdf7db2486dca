package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server"
)

func adminCommand(config configFunc) *cobra.Command {
	admin := &cobra.Command{
		Use: "admin", Short: "Manage accounts, as the operator of this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	admin.AddCommand(adminCreateCommand(config), adminResetPasswordCommand(config))
	return admin
}

func adminCreateCommand(config configFunc) *cobra.Command {
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
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !stdin {
				return errors.New("give the password on standard input, with --password-stdin")
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
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is now %s\n", u.Username, u.Email, u.Role)
			return nil
		},
	}
	c.Flags().StringVar(&r.Email, "email", "", "e-mail address (required)")
	c.Flags().StringVar(&r.Username, "username", "", "user name; the e-mail address's first part")
	c.Flags().StringVar(&role, "role", string(hub.Admin), "free, premium, instructor or admin")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	_ = c.MarkFlagRequired("email") // it was just made
	return c
}

func adminResetPasswordCommand(config configFunc) *cobra.Command {
	var (
		login string
		stdin bool
	)
	c := &cobra.Command{
		Use:     "reset-password",
		Short:   "Give somebody a new password, and end their sign-ins",
		Long:    "Give somebody a new password, and end their sign-ins. For hubs that send no e-mail; elsewhere people ask for a message themselves.",
		Example: "  cmh-server admin reset-password --user ada@example.com --password-stdin <password.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !stdin {
				return errors.New("give the password on standard input, with --password-stdin")
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
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) has a new password\n", u.Username, u.Email)
			return nil
		},
	}
	c.Flags().StringVar(&login, "user", "", "e-mail address or user name (required)")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input")
	_ = c.MarkFlagRequired("user") // it was just made
	return c
}

var notInUsername = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func usernameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	name := strings.TrimLeft(notInUsername.ReplaceAllString(local, "-"), "._-")
	return name[:min(len(name), 32)]
}
