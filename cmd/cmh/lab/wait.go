package lab

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func waitCmd(env *cli.Env) *cobra.Command {
	var (
		state   string
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "wait [REF]",
		Short: "Wait until a lab is ready, its step has passed, or it has ended",
		Long: "Wait until a lab session is ready, until the step that it is at has passed its check (checked), or until it has ended. " +
			"Exit status 75 when it takes longer than the timeout.\n" + refHelp,
		Example: "  cmh lab wait s-4kq2m7ah3x --for ready --timeout 60s\n  cmh lab wait --for checked --timeout 1h\n  cmh lab wait --for ended",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			s, err := wait(cmd.Context(), b, ref, state, timeout)
			if err != nil {
				return err
			}
			return show(env, s)
		},
	}
	cmd.Flags().StringVar(&state, "for", "ready", "the `STATE` to wait for: ready, checked, ended")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "wait at most this `LONG`")
	return cmd
}

const (
	firstLook = 50 * time.Millisecond // of a start that queues

	// How often a session is looked at whatever its events say: while it is being
	// prepared, because looking moves on what takes long there, and where they
	// can't be had.
	lookEvery = time.Second
)

// waits are what can be waited for: whether a session is there, seen from the
// step that it was at.
var waits = map[string]func(s hub.LabSession, step int) bool{
	"ready": func(s hub.LabSession, _ int) bool { return s.State != hub.Provisioning && !hub.Ended(s.State) },
	"ended": func(s hub.LabSession, _ int) bool { return hub.Ended(s.State) },
	"checked": func(s hub.LabSession, step int) bool {
		return s.Step > step || step >= 1 && step <= len(s.Steps) && s.Steps[step-1].State == hub.StepPassed
	},
}

// wait follows the events of a session, and looks at it when there is one.
func wait(ctx context.Context, b cli.Labs, ref, until string, timeout time.Duration) (hub.LabSession, error) {
	done, ok := waits[until]
	if !ok {
		return hub.LabSession{}, hub.Errorf(hub.Invalid, "--for takes ready, checked or ended.")
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var (
		last  = hub.LabSession{State: hub.Provisioning}
		step  int
		moved chan struct{}
		told  chan struct{}
	)
	for {
		s, err := b.LabSession(limited, ref)
		if step == 0 {
			step = s.Step
		}
		switch {
		case limited.Err() != nil && ctx.Err() == nil:
			return last, late(last, until, timeout)
		case err != nil:
			return s, err
		case done(s, step):
			return s, nil
		case hub.Ended(s.State):
			return s, hub.Errorf(hub.Conflict, "The session has ended (%s). %s", hub.Word(s.State), hub.Word(s.Message))
		}
		if last = s; moved == nil {
			moved, told = make(chan struct{}, 1), make(chan struct{})
			go func() {
				defer close(told)
				_ = follow(limited, b, s.ID, moved) // then one looks now and then
			}()
		}
		var look <-chan time.Time
		if told == nil || s.State == hub.Provisioning {
			look = time.After(lookEvery)
		}
		select {
		case <-moved:
		case <-look:
		case <-told: // all is told, or nothing can be
			told = nil
		case <-limited.Done():
			if ctx.Err() != nil {
				return s, ctx.Err()
			}
			return s, late(s, until, timeout)
		}
	}
}

// follow says of each event of a session that there was one.
func follow(ctx context.Context, b cli.Labs, session string, moved chan<- struct{}) error {
	return b.LabEvents(ctx, session, 0, func(hub.LabEvent) error {
		select {
		case moved <- struct{}{}:
		default: // the last one has not been looked after yet
		}
		return nil
	})
}

func late(s hub.LabSession, until string, timeout time.Duration) error {
	return hub.Errorf(hub.Unavailable, "Not %s after %s: the session is %s. %s", until, timeout, hub.Word(s.State), hub.Word(s.Message))
}
