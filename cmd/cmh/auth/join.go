package auth

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Join makes an account that something which a guest has come with signs in from
// then on. Sent is where a message went whose code confirms the address; mostly
// nowhere.
type Join func(ctx context.Context, r hub.Registration) (sent string, err error)

// JoinCommand is register where no sign-in is kept: over SSH, where one has come with
// a key. A nil join is for those who have an account.
func JoinCommand(env *cli.Env, join Join) *cobra.Command {
	var o registerOptions
	cmd := &cobra.Command{
		Use:     "register",
		Short:   "Make an account that your SSH key signs in",
		Example: "  cmh auth register\n  cmh auth register --email ada@example.com --username ada --password-stdin <p",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if join == nil {
				return hub.Errorf(hub.Conflict, "You have an account already, and are signed in.")
			}
			r, err := o.ask(cmd.Context(), env)
			if err != nil {
				return err
			}
			sent, err := join(cmd.Context(), r)
			if err != nil {
				return err
			}
			env.Say("Your account is made. Your SSH key signs you in from now on.")
			if sent != "" {
				env.Say("A message is on its way to %s. Confirm your address with its code: cmh auth verify CODE", sent)
			}
			return nil
		},
	}
	o.flags(cmd.Flags())
	return cmd
}
