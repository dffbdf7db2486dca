package lab

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func startCmd(env *cli.Env, attach Attach, desk Desk) *cobra.Command {
	var (
		detach, noWait, record, whole bool
		timeout                       time.Duration
	)
	cmd := &cobra.Command{
		Use:   "start LAB",
		Short: "Start a lab and open its screen",
		Long: "Start a lab, or find it when it runs already. On a terminal it opens as soon as it is ready: the step's text on the left, " +
			"the lab's shell on the right, and below how it stands. Ctrl-] comes before every key that is not the shell's: Ctrl-] c checks, " +
			"Ctrl-] ? shows them all, Ctrl-] d leaves and the lab goes on. On less than 100 by 30, or with --no-split, the shell has the whole " +
			"screen and the text is Ctrl-] z away; with --accessible there is the shell alone, and no screen. " +
			"With --detach, with --json or without a terminal the session is printed instead, without waiting. " +
			"When all machines are busy it waits in the queue and says where it stands; exit status 75 when that takes longer than the timeout.",
		Example: "  cmh lab start log-triage\n  cmh lab start log-triage --detach --json",
		Args:    cli.Args("LAB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if noWait {
				timeout = 0
			}
			s, err := start(cmd.Context(), env, b, args[0], timeout)
			if err != nil {
				return err
			}
			if record {
				if _, err := b.RecordLab(cmd.Context(), s.ID, true); err != nil {
					return err
				}
			}
			tellShort(cmd.Context(), env, b, s)
			if detach || attach == nil && desk == nil || !env.ForHumans() || !env.Interactive() {
				return show(env, s)
			}
			env.Say("Preparing %s ...", s.Title)
			if s, err = wait(cmd.Context(), b, s.ID, "ready", 2*time.Minute); err != nil {
				return err
			}
			return work(cmd.Context(), env, b, s, attach, desk, whole)
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "print the session and leave it alone")
	cmd.Flags().BoolVar(&whole, "no-split", false, "give the shell the whole screen")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "don't wait in the queue when all machines are busy")
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "wait in the queue at most this `LONG`")
	cmd.Flags().BoolVar(&record, "record", false, "record what its shells print: see cmh lab record")
	return cmd
}

// start starts a lab, waiting in the queue for as long as timeout.
func start(ctx context.Context, env *cli.Env, b cli.Labs, lab string, timeout time.Duration) (hub.LabSession, error) {
	until := time.Now().Add(timeout)
	for said := 0; ; {
		s, err := b.StartLab(ctx, lab)
		e, ok := errors.AsType[*hub.Error](err)
		if !ok || e.Place == 0 {
			return s, err
		}
		pause := max(e.RetryAfter, firstLook)
		if time.Now().Add(pause).After(until) {
			return s, err
		}
		if e.Place != said {
			env.Say("All machines for labs are busy. You are number %d in the queue ...", e.Place)
			said = e.Place
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return s, ctx.Err()
		}
	}
}

func statusCmd(env *cli.Env) *cobra.Command {
	return act(env, "status", "Show how a lab session stands", "",
		func(b cli.Backend, ctx context.Context, ref string) (hub.LabSession, error) {
			return b.LabSession(ctx, ref)
		}, nil)
}
