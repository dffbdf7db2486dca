package labs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs/scenario"
)

// solveTime bounds one solution that is replayed.
const solveTime = time.Minute

// Keeps is nil where the files of sandboxes can be kept, else why they can't.
func (e *Engine) Keeps() error {
	_, err := KeeperOf(e.Driver)
	return err
}

// Keep is Keeper.Snapshot.
func (e *Engine) Keep(ctx context.Context, id, name string) (Snapshot, error) {
	k, err := KeeperOf(e.Driver)
	if err != nil {
		return Snapshot{}, err
	}
	return k.Snapshot(ctx, id, name)
}

// Kept is Keeper.Snapshots; where nothing can be kept there are none.
func (e *Engine) Kept(ctx context.Context) ([]Snapshot, error) {
	k, err := KeeperOf(e.Driver)
	if errors.Is(err, ErrKeepsNothing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return k.Snapshots(ctx)
}

// Forget is Keeper.RemoveSnapshot.
func (e *Engine) Forget(ctx context.Context, name string) error {
	k, err := KeeperOf(e.Driver)
	if errors.Is(err, ErrKeepsNothing) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.RemoveSnapshot(ctx, name)
}

// Restore makes the sandbox id of the snapshot from, in place of one that is
// there. The files are as they were; nothing of the scenario is run or typed.
func (e *Engine) Restore(ctx context.Context, id string, sc *scenario.Scenario, from string) (err error) {
	if err := e.Driver.Destroy(ctx, id); err != nil {
		return err
	}
	spec := Spec{ID: id, From: from, Hostname: sc.Hostname, Env: sc.Env, Limits: e.Limits, AllowSetuid: sc.Setuid}
	if err := e.Driver.Create(ctx, spec); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.abandon(ctx, id)
		}
	}()
	return e.inside(ctx, id, func(s *Sandbox) error { return login(ctx, s, sc) })
}

// Solve does step n as the learner would, with the step's own solution, where
// it has one. What that came to a check has to say: its status is no verdict.
func (e *Engine) Solve(ctx context.Context, id string, sc *scenario.Scenario, n int) error {
	script := solution(sc.Steps[n-1])
	if script == "" {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, solveTime)
	defer cancel()
	return e.inside(limited, id, func(s *Sandbox) error {
		// In a file of its own: it may read what it is given, and may be of any
		// language.
		const run = `cd && f=$(mktemp) && cat >"$f" && chmod +x "$f" && { "$f" </dev/null; rm -f "$f"; }`
		_, _, _, err := s.Run(limited, run, strings.NewReader(script))
		if limited.Err() != nil {
			return ctx.Err() // one that doesn't end has done what it could
		}
		if err != nil {
			return fmt.Errorf("replay step %d: %w", n, err)
		}
		return nil
	})
}

// Solvable reports whether step n can be done by Solve, or needs nothing done.
func Solvable(sc *scenario.Scenario, n int) bool {
	st := sc.Steps[n-1]
	return solution(st) != "" || st.Verify == nil
}

func solution(st scenario.Step) string {
	if st.Solve != nil {
		return string(st.Solve.Source)
	}
	return ""
}
