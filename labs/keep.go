package labs

import (
	"bytes"
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

// Keep is Keeper.Snapshot, of all hosts of the lab.
func (e *Engine) Keep(ctx context.Context, id, name string) (Snapshot, error) {
	k, err := KeeperOf(e.Driver)
	if err != nil {
		return Snapshot{}, err
	}
	others, err := e.hosts(ctx, id)
	if err != nil {
		return Snapshot{}, err
	}
	first, err := k.Snapshot(ctx, id, name)
	if err != nil {
		return first, err
	}
	for _, other := range others {
		snap, err := k.Snapshot(ctx, other, name+strings.TrimPrefix(other, id))
		if err != nil {
			return Snapshot{}, errors.Join(err, e.Forget(context.WithoutCancel(ctx), name))
		}
		first.Bytes, first.Frozen = first.Bytes+snap.Bytes, first.Frozen+snap.Frozen
	}
	return first, nil
}

// Kept is Keeper.Snapshots, one a lab; where nothing can be kept there are none.
func (e *Engine) Kept(ctx context.Context) ([]Snapshot, error) {
	k, err := KeeperOf(e.Driver)
	if errors.Is(err, ErrKeepsNothing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := k.Snapshots(ctx)
	labs := map[string]int{}
	var whole []Snapshot
	for _, snap := range all {
		snap.Name, _, _ = strings.Cut(snap.Name, hostMark)
		snap.Sandbox, _, _ = strings.Cut(snap.Sandbox, hostMark)
		if n, ok := labs[snap.Name]; ok {
			whole[n].Bytes += snap.Bytes
			continue
		}
		labs[snap.Name] = len(whole)
		whole = append(whole, snap)
	}
	return whole, err
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
	all, err := k.Snapshots(ctx)
	if err != nil {
		return err
	}
	errs := []error{k.RemoveSnapshot(ctx, name)}
	for _, snap := range all {
		if strings.HasPrefix(snap.Name, name+hostMark) {
			errs = append(errs, k.RemoveSnapshot(ctx, snap.Name))
		}
	}
	return errors.Join(errs...)
}

// Restore makes the sandbox id of the snapshot from, in place of one that is
// there, and the lab's other hosts of theirs. The files are as they were; nothing of the scenario is run or typed.
func (e *Engine) Restore(ctx context.Context, id string, sc *scenario.Scenario, from string) (err error) {
	spec := Spec{ID: id, From: from, Hostname: sc.Hostname, Env: sc.Env, Limits: e.Limits, AllowSetuid: sc.Setuid}
	if err := e.assemble(ctx, spec, sc); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.abandon(ctx, id)
		}
	}()
	return e.inside(ctx, id, func(s *Sandbox) error {
		if err := login(ctx, s, sc); err != nil {
			return err
		}
		return serve(ctx, s, sc)
	})
}

// Solve does step n as the learner would, with the step's own solution, where
// it has one. What that came to a check has to say: its status is no verdict.
func (e *Engine) Solve(ctx context.Context, id string, sc *scenario.Scenario, n int) error {
	script, _ := solution(sc.Steps[n-1])
	if len(script) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, solveTime)
	defer cancel()
	return e.inside(limited, id, func(s *Sandbox) error {
		// In a file of its own: it may read what it is given, and may be of any
		// language.
		const run = `cd && f=$(mktemp) && cat >"$f" && chmod +x "$f" && { "$f" </dev/null; rm -f "$f"; }`
		_, _, _, err := s.Run(limited, run, bytes.NewReader(script))
		if limited.Err() != nil {
			return ctx.Err() // one that doesn't end has done what it could
		}
		if err != nil {
			return fmt.Errorf("replay step %d: %w", n, err)
		}
		return nil
	})
}

// Solvable reports whether step n can be done by Solve, or asks for nothing that
// is checked.
func Solvable(sc *scenario.Scenario, n int) bool {
	_, ok := solution(sc.Steps[n-1])
	return ok || len(sc.Steps[n-1].Asked()) == 0
}

// solution is what does a step: its script, else what its text and its solution
// have the learner run, as far as that needs nobody at a keyboard.
func solution(st scenario.Step) (script []byte, ok bool) {
	if st.Solve != nil {
		return st.Solve.Source, true
	}
	for _, b := range append(scenario.Runnables(st.Text), scenario.Commands(st.Solution)...) {
		if b.Keys || b.Interrupt || b.NoEnter || b.Host > 1 {
			return nil, false
		}
		script = append(append(script, b.Code...), '\n')
	}
	return script, len(script) > 0
}
