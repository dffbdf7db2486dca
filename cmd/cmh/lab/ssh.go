package lab

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func attachCmd(env *cli.Env, attach Attach) *cobra.Command {
	var at place
	cmd := &cobra.Command{
		Use:   "attach [REF]",
		Short: "Open the shell of a running lab",
		Long: "Open the shell of a running lab. Ctrl-] d leaves it, and it goes on; the next attach finds the same screen. A broken connection is made " +
			"again by itself. The exit status is the shell's, 255 when the connection stays broken. A lab of several hosts has a shell on each; cmh lab view " +
			"names them, and the terminals that its author wants open.\n" + refHelp,
		Example: "  cmh lab attach\n  cmh lab attach log-triage\n  cmh lab attach --host node01",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !env.InTTY || !env.OutTTY {
				return hub.Errorf(hub.Invalid, "A shell needs a terminal. Run one command with: cmh lab ssh REF -- COMMAND")
			}
			if err := at.check(); err != nil && at.host != "" {
				return err
			}
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			if at, err = at.find(cmd.Context(), b, ref); err != nil {
				return err
			}
			return attachTo(cmd.Context(), env, b, ref, at, attach)
		},
	}
	hostFlag(cmd, &at)
	cmd.Flags().StringVar(&at.terminal, "terminal", "", "the terminal `NAME`; made when it isn't there")
	return cmd
}

func attachTo(ctx context.Context, env *cli.Env, b cli.Labs, ref string, at place, attach Attach) error {
	env.Say("Ctrl-] d leaves the lab running. Have your work checked with: lab check")
	status, detached, err := attach(ctx, at.certify(b, ref), at.terminal, func(s string) { env.Say("%s", env.T(s)) })
	if detached {
		env.Say("Detached; the lab goes on. Come back with: cmh lab attach %s", ref)
		return nil
	}
	return ended(env, status, err)
}

// ended passes a remote program's status on.
func ended(env *cli.Env, status int, err error) error {
	switch {
	case errors.Is(err, labssh.ErrLost):
		env.Say("cmh: The connection to the lab was lost.")
		return cli.StatusError(cli.ExitLost)
	case err != nil:
		return err
	case status != 0:
		return cli.StatusError(status)
	}
	return nil
}

func sshCmd(env *cli.Env) *cobra.Command {
	var at place
	cmd := &cobra.Command{
		Use:   "ssh [REF] -- COMMAND...",
		Short: "Run one command in a lab",
		Long: "Run one command in a lab. Its input, output and exit status pass through untouched. One word is a line for the lab's shell; " +
			"of several words each reaches the program as it is.\n" + refHelp,
		Example: "  cmh lab ssh -- uname -a\n  cmh lab ssh log-triage -- 'ls | wc -l'\n  cmh lab ssh --host node01 -- hostname\n  tar c . | cmh lab ssh s-4kq2m7ah3x -- tar x",
		RunE: func(cmd *cobra.Command, args []string) error {
			var ref, command []string
			switch n := cmd.ArgsLenAtDash(); {
			case n > 1, n < 0 && len(args) == 0:
				return hub.Errorf(hub.Invalid, "COMMAND is missing. Usage: %s", cmd.UseLine())
			case n < 0:
				ref, command = args[:1], args[1:]
			default:
				ref, command = args[:n], args[n:]
			}
			if len(command) == 0 {
				return hub.Errorf(hub.Invalid, "COMMAND is missing. A shell is opened by: cmh lab attach")
			}
			if err := at.check(); err != nil {
				return err
			}
			b, name, err := backendAndSession(cmd.Context(), env, ref)
			if err != nil {
				return err
			}
			status, err := labssh.Run(cmd.Context(), at.certify(b, name), command, labssh.Stdio{In: env.In, Out: env.Out, Err: env.Err})
			return ended(env, status, err)
		},
	}
	hostFlag(cmd, &at)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		wrong := err.Error() + "."
		return hub.Errorf(hub.Invalid, "%s Flags of the command come after --, as in: cmh lab ssh -- uname -a", hub.Word(wrong))
	})
	return cmd
}
