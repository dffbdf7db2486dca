// Package lab is `cmh lab ...`: starting sandboxes, working in them, being
// checked. What a lab is and who may have one is the hub's to decide; the SSH
// side is package labssh.
package lab

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Attach gives the caller's own terminal to a lab: to its terminal of that name,
// or to the first that is free.
type Attach func(ctx context.Context, certify labssh.Certify, terminal string, say func(string)) (status int, detached bool, err error)

// Command returns the lab command. Without attach the commands that need SSH
// are left out: the caller is already there by SSH. Without desk labs have
// their shell alone.
func Command(env *cli.Env, attach Attach, desk Desk) *cobra.Command {
	cmd := cli.Group("lab", "Work in real sandboxes",
		listCmd(env), viewCmd(env), startCmd(env, attach, desk), sessionsCmd(env), historyCmd(env), statusCmd(env), waitCmd(env),
		checkCmd(env), hintCmd(env), solutionCmd(env), answerCmd(env), nextCmd(env), skipCmd(env), reportCmd(env), submitCmd(env), stopCmd(env),
		extendCmd(env), eventsCmd(env))
	cmd.AddCommand(saveCmd(env), checkpointsCmd(env), forgetCmd(env), resetCmd(env), gotoCmd(env), resumeCmd(env))
	cmd.AddCommand(shareCmd(env), watchCmd(env, attach), recordCmd(env), recordingsCmd(env), replayCmd(env, attach != nil))
	if attach != nil {
		cmd.AddCommand(attachCmd(env, attach), sshCmd(env), cpCmd(env), forwardCmd(env))
	}
	return cmd
}

// refHelp explains REF in the commands that take one.
const refHelp = "REF is a session (s-...) or the lab it runs. Without REF it is the session that runs, when there is only one."

// session finds the session that args name, or the only one there is.
func session(ctx context.Context, b cli.Labs, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	all, err := b.LabSessions(ctx)
	if err != nil {
		return "", err
	}
	var running []string
	for _, s := range all {
		if !hub.Ended(s.State) {
			running = append(running, s.ID)
		}
	}
	switch len(running) {
	case 0:
		return "", hub.Errorf(hub.NotFound, "No lab of yours is running. Start one with: cmh lab start LAB")
	case 1:
		return running[0], nil
	}
	return "", hub.Errorf(hub.Invalid, "Several labs run; say which: %s.", strings.Join(running, ", "))
}

// backendAndSession is what most commands begin with: the hub, and the session
// that args name there.
func backendAndSession(ctx context.Context, env *cli.Env, args []string) (cli.Backend, string, error) {
	b, err := env.Backend()
	if err != nil {
		return nil, "", err
	}
	ref, err := session(ctx, b, args)
	return b, ref, err
}

// act returns a command that does one thing to a session and shows the session
// then.
func act(env *cli.Env, name, short, long string, do func(cli.Backend, context.Context, string) (hub.LabSession, error),
	done func(context.Context, cli.Backend, hub.LabSession) error,
) *cobra.Command {
	return &cobra.Command{
		Use:     name + " [REF]",
		Short:   short,
		Long:    strings.TrimSpace(long + "\n" + refHelp),
		Example: "  cmh lab " + name + "\n  cmh lab " + name + " s-4kq2m7ah3x --json=state,step",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			s, err := do(b, cmd.Context(), ref)
			if err != nil {
				return err
			}
			if done != nil && !env.JSON {
				return done(cmd.Context(), b, s)
			}
			return show(env, s)
		},
	}
}
