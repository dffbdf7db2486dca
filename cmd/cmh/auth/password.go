package auth

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func passwordCmd(env *cli.Env) *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:     "password",
		Short:   "Change your password, and end your other sign-ins",
		Long:    "Change your password, and end your other sign-ins. With --password-stdin the first line is the current password and the second one the new one.",
		Example: "  cmh auth password\n  cmh auth password --password-stdin <two-lines.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			var c hub.PasswordChange
			if stdin {
				both, err := lines(env.In, 2)
				if err != nil {
					return err
				}
				c = hub.PasswordChange{Current: both[0], New: both[1]}
			} else if c.Current, err = env.AskSecret(cmd.Context(), "Current password:", "--password-stdin"); err != nil {
				return err
			} else if c.New, err = newPassword(cmd.Context(), env, false); err != nil {
				return err
			}
			if err := b.ChangePassword(cmd.Context(), c); err != nil {
				return err
			}
			env.Say("Changed. Your other sign-ins have ended.")
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read both passwords from standard input, a line each")
	return cmd
}

// lines reads n lines.
func lines(r io.Reader, n int) ([]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, 8192))
	if err != nil {
		return nil, err
	}
	got := strings.Split(strings.TrimRight(string(b), "\r\n"), "\n")
	if len(got) != n {
		return nil, hub.Errorf(hub.Invalid, "Give %d lines on standard input.", n)
	}
	for i := range got {
		got[i] = strings.TrimSuffix(got[i], "\r")
	}
	return got, nil
}

// newPassword reads a new password, twice from people.
func newPassword(ctx context.Context, env *cli.Env, stdin bool) (string, error) {
	if stdin {
		return password(ctx, env, true)
	}
	p, err := env.AskSecret(ctx, "New password:", "--password-stdin")
	if err != nil {
		return "", err
	}
	again, err := env.AskSecret(ctx, "The same again:", "--password-stdin")
	if err != nil {
		return "", err
	}
	if again != p {
		return "", hub.Errorf(hub.Invalid, "The two passwords differ.")
	}
	return p, nil
}

func forgotCmd(env *cli.Env) *cobra.Command {
	var email string
	cmd := &cobra.Command{
		Use:     "forgot-password",
		Short:   "Ask for a message to set a new password",
		Example: "  cmh auth forgot-password --email ada@example.com",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			to, err := orAsk(cmd.Context(), env, email, "E-mail:", "--email")
			if err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.ForgotPassword(cmd.Context(), to); err != nil {
				return err
			}
			env.Say("If somebody has that address here, a message is on its way. It works for 30 minutes.")
			return nil
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "your `EMAIL` address")
	return cmd
}

func resetCmd(env *cli.Env) *cobra.Command {
	var r hub.PasswordReset
	var stdin bool
	cmd := &cobra.Command{
		Use:     "reset-password",
		Short:   "Set a new password with the token of a message",
		Example: "  cmh auth reset-password\n  cmh auth reset-password --token cmhp_...",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.Token, err = orAsk(cmd.Context(), env, r.Token, "Token:", "--token"); err != nil {
				return err
			}
			if r.New, err = newPassword(cmd.Context(), env, stdin); err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.ResetPassword(cmd.Context(), r); err != nil {
				return err
			}
			env.Say("Your password is the new one, and every sign-in and API key has ended. %s", cli.LogInWith)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Token, "token", "", "the `TOKEN` of the message; asked for if not given")
	f.BoolVar(&stdin, "password-stdin", false, "read the new password from standard input")
	return cmd
}

func emailCmd(env *cli.Env) *cobra.Command {
	var to string
	var stdin bool
	cmd := &cobra.Command{
		Use:     "email",
		Short:   "Show where your mail goes, or change it",
		Example: "  cmh auth email\n  cmh auth email --to ada@example.org",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if to == "" {
				e, err := b.Email(cmd.Context())
				if err != nil {
					return err
				}
				return printEmail(env, e)
			}
			pass, err := password(cmd.Context(), env, stdin)
			if err != nil {
				return err
			}
			e, err := b.ChangeEmail(cmd.Context(), hub.EmailChange{Email: to, Password: pass})
			if err != nil {
				return err
			}
			return printEmail(env, e)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the new `EMAIL` address")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read your password from standard input")
	return cmd
}

func printEmail(env *cli.Env, e hub.EmailState) error {
	return cli.Print(env, e, func(w io.Writer) {
		state := words.Mark("not confirmed")
		if e.Verified {
			state = words.Mark("confirmed")
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\n", cli.CleanLine(e.Email), env.Shown().T(state))
		if e.Pending != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", cli.CleanLine(e.Pending), env.Shown().T("waits to be confirmed"))
		}
	})
}

func verifyCmd(env *cli.Env) *cobra.Command {
	var resend bool
	cmd := &cobra.Command{
		Use:     "verify [TOKEN]",
		Short:   "Confirm your e-mail address with the token of a message",
		Example: "  cmh auth verify cmhv_...\n  cmh auth verify --resend",
		Args:    cli.Args("[TOKEN]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if resend == (len(args) == 1) {
				return hub.Errorf(hub.Invalid, "Give the token of the message, or --resend for another message.")
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if resend {
				if err := b.SendVerification(cmd.Context()); err != nil {
					return err
				}
				env.Say("A message is on its way. It works for 24 hours.")
				return nil
			}
			if err := b.VerifyEmail(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Confirmed.")
			return nil
		},
	}
	cmd.Flags().BoolVar(&resend, "resend", false, "send the message again")
	return cmd
}
