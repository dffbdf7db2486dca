package app

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

const (
	replayTime   = 2 * time.Minute // for all steps of one jump together
	replayedStep = "Done by the lab's own solution, on the way to a later step."
)

var _ = words.Kept(replayedStep)

// ResetLab puts a fresh sandbox in the place of a running session's, with the
// files as they were when a step began, the current one when to names neither a
// step nor a checkpoint. What the learner had is kept first. Progress that was
// made stays made; the session's steps go back.
func (a Actor) ResetLab(ctx context.Context, ref string, to hub.LabReturn) (hub.LabSession, error) {
	return a.goBack(ctx, ref, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) (postgres.LabReturn, error) {
		if to.Checkpoint != "" {
			c, err := tx.UsersCheckpoint(ctx, a.user.ID, r.ID, to.Checkpoint)
			if err != nil {
				return postgres.LabReturn{}, err
			}
			return a.app.backTo(r, c)
		}
		n, err := stepOf(*r, to.Step)
		if len(r.Steps) == 0 && to.Step == 0 {
			n, err = 0, nil
		}
		if err != nil {
			return postgres.LabReturn{}, err
		}
		if n > r.Step {
			return postgres.LabReturn{}, hub.Errorf(hub.Conflict, "Step %d has not begun yet, you are at step %d. To go there: cmh lab goto %d", n, r.Step, n)
		}
		return backToStep(ctx, tx, r, n)
	})
}

// GotoLabStep puts a fresh sandbox in the place of a running session's, in
// which a step is to begin: from a checkpoint of the learner's where there is
// one, else by having the lab's own solutions do the steps before it. Those
// count as skipped, and are never passed that way.
func (a Actor) GotoLabStep(ctx context.Context, ref string, step int) (hub.LabSession, error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return hub.LabSession{}, err
	}
	if step < 1 {
		step = -1 // there is no current one to go to
	}
	if _, err := stepOf(r, step); err != nil {
		return hub.LabSession{}, err
	}
	sc, _, err := a.app.scenario(ctx, r)
	if err != nil {
		return hub.LabSession{}, err
	}
	return a.goBack(ctx, r.ID, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) (postgres.LabReturn, error) {
		begun := step <= r.Step
		c, err := tx.StepCheckpoint(ctx, *r, step, !begun)
		switch {
		case hub.CodeOf(err) == hub.NotFound:
			c = postgres.Checkpoint{}
		case err != nil:
			return postgres.LabReturn{}, err
		}
		for n := c.Step + 1; n < step; n++ {
			if !labs.Solvable(sc, n) {
				return postgres.LabReturn{}, hub.Errorf(hub.Conflict, "Step %d cannot be gone to: step %d has no solution to do it for you, and you have no checkpoint after it.", step, n)
			}
		}
		for i := range c.Steps { // of another session of the learner's perhaps
			if i < c.Step && !stepDone(*r, i+1) {
				r.Steps[i].State, r.Steps[i].Score, r.Marks[i].Replayed = c.Steps[i].State, c.Steps[i].Score, c.Marks[i].Replayed
			}
		}
		from := c.Step + 1
		rewind(r, from)
		r.Message = words.Kept("Going to step %d.", step)
		return postgres.LabReturn{Checkpoint: c.ID, Goto: step}, nil
	})
}

// ResumeLab begins a new session with the files of a checkpoint: the one named,
// or the caller's last one of a session or lab. The lab is of the version that
// the checkpoint was made in.
func (a Actor) ResumeLab(ctx context.Context, ref, checkpoint string) (s hub.LabSession, err error) {
	if err := a.signedIn(); err != nil {
		return s, err
	}
	var (
		r       postgres.LabRun
		c       postgres.Checkpoint
		created bool
	)
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if checkpoint != "" {
			c, err = tx.UsersCheckpoint(ctx, a.user.ID, ref, checkpoint)
		} else {
			c, err = tx.LastCheckpoint(ctx, a.user.ID, ref)
		}
		return err
	})
	if err != nil {
		return s, err
	}
	seat, err := a.takeSeat(ctx, c.LabID, func() error { return a.worthWaiting(ctx, c.LabID, &r) })
	if errors.Is(err, errRunsAlready) {
		return s, runsAlready(r, c)
	}
	if err != nil {
		return s, err
	}
	defer seat.leave()
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, created, err = a.reserveLab(ctx, tx, c.LabID); err != nil {
			return err
		}
		if !created {
			return runsAlready(r, c)
		}
		if r.Version != c.Version {
			if err := tx.PinLabRun(ctx, r.ID, c.Version, len(c.Steps)); err != nil {
				return err
			}
			if r, err = tx.LabRun(ctx, r.ID); err != nil {
				return err
			}
		}
		l, err := a.app.backTo(&r, c)
		if err != nil {
			return err
		}
		return a.app.saveReturn(ctx, tx, &r, l, "lab.resumed")
	})
	seat.isStored()
	if err != nil {
		return s, err
	}
	if r, err = a.app.provision(ctx, r.ID); err != nil {
		return s, err
	}
	return a.app.session(r), nil
}

func runsAlready(r postgres.LabRun, c postgres.Checkpoint) error {
	return hub.Errorf(hub.Conflict, "A session of this lab runs already: %s. To have its files as they were in the checkpoint: cmh lab reset --to %s", r.ID, c.ID)
}

// goBack has back decide what a running session is made of anew, and makes it.
// The decision is stored before the old sandbox goes, so that a server that dies
// in between is followed by one that finishes it.
func (a Actor) goBack(ctx context.Context, ref string, back func(context.Context, postgres.Tx, *postgres.LabRun) (postgres.LabReturn, error)) (s hub.LabSession, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return s, err
	}
	if a.app.Labs.Engine == nil || r.Node != a.app.Labs.Node {
		return s, hub.Errorf(hub.Unavailable, "The machine this lab runs on cannot be reached from here right now. Please try again.")
	}
	if r, err = a.turnBack(ctx, r.ID, back); err != nil {
		return s, err
	}
	if r, err = a.app.provision(ctx, r.ID); err != nil {
		return s, err
	}
	return a.app.session(r), nil
}

// turnBack is goBack up to where the making begins.
func (a Actor) turnBack(ctx context.Context, id string, back func(context.Context, postgres.Tx, *postgres.LabRun) (postgres.LabReturn, error)) (r postgres.LabRun, err error) {
	release, err := a.app.work.claim(ctx, id)
	if err != nil {
		return r, hub.Wrap(err, hub.Unavailable, "The lab is busy. Please try again.")
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moveOnTime) // half a return is worse than a late one
	defer cancel()
	if r, err = a.app.readLabRun(ctx, id); err != nil {
		return r, err
	}
	if err := a.app.stillRuns(r); err != nil {
		return r, err
	}
	if r.State == hub.Provisioning {
		return r, &hub.Error{Code: hub.Unavailable, Message: "The lab is still being prepared. Please try again in a moment.", RetryAfter: preparingIn}
	}
	// What is wrong with where to go is said before anything is kept, and what
	// is kept then must not take the place of where to go.
	dry := r
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		l, err := back(ctx, tx, copied(&dry))
		if err != nil {
			return err
		}
		l.BegunAt = a.app.now()
		return tx.BeginLabReturn(ctx, id, l)
	})
	if err != nil {
		return r, err
	}
	a.app.keepQuietly(ctx, r, hub.KeptBefore, keepLimit)
	defer func() {
		if err != nil {
			_ = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.EndLabReturn(ctx, id) })
		}
	}()
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, id); err != nil {
			return err
		}
		if err := a.app.stillRuns(r); err != nil {
			return err
		}
		l, err := back(ctx, tx, &r)
		if err != nil {
			return err
		}
		return a.app.saveReturn(ctx, tx, &r, l, "lab.returned")
	})
	return r, err
}

// copied is r with steps of its own.
func copied(r *postgres.LabRun) *postgres.LabRun {
	r.Steps = append([]hub.StepState{}, r.Steps...)
	r.Marks = append([]postgres.StepMarks{}, r.Marks...)
	return r
}

// saveReturn stores that r's sandbox is to be made anew.
func (a *App) saveReturn(ctx context.Context, tx postgres.Tx, r *postgres.LabRun, l postgres.LabReturn, event string) error {
	l.BegunAt = a.now()
	r.State, r.SetupAt = hub.Provisioning, nil
	if err := tx.BeginLabReturn(ctx, r.ID, l); err != nil {
		return err
	}
	if err := tx.ResetLabSteps(ctx, *r, a.now()); err != nil {
		return err
	}
	if err := tx.SaveLabRun(ctx, *r); err != nil {
		return err
	}
	return a.labEvent(ctx, tx, *r, event)
}

// backTo makes r what it was when c was made, except for what counts what a
// learner has seen and tried.
func (a *App) backTo(r *postgres.LabRun, c postgres.Checkpoint) (l postgres.LabReturn, err error) {
	switch {
	case c.LabID != r.LabID || c.Version != r.Version || len(c.Steps) != len(r.Steps):
		return l, hub.Errorf(hub.Conflict, "That checkpoint is of another lab, or of another version of this one. To go on with it: cmh lab resume %s --from %s", c.LabID, c.ID)
	case c.Node != a.Labs.Node:
		return l, hub.Errorf(hub.Unavailable, "The machine that keeps this checkpoint cannot be reached from here right now.")
	}
	for i := range r.Steps {
		now, then := &r.Steps[i], c.Steps[i]
		now.State, now.Message, now.Checks, now.Score = then.State, then.Message, then.Checks, then.Score
		now.Attempts = max(now.Attempts, then.Attempts)
		m := &r.Marks[i]
		m.Errors, m.HintMask = max(m.Errors, c.Marks[i].Errors), m.HintMask|c.Marks[i].HintMask
		m.Hints = bits.OnesCount64(uint64(m.HintMask))
		m.SolutionSeen = m.SolutionSeen || c.Marks[i].SolutionSeen
		m.OpenedAt, m.Replayed = c.Marks[i].OpenedAt, c.Marks[i].Replayed
	}
	r.Step = c.Step
	if c.Kind == hub.KeptStep && c.Step < len(r.Steps) { // it was done: what begins is the next one
		rewind(r, c.Step+1)
	}
	r.Message = words.Kept("Going back to a checkpoint.")
	return postgres.LabReturn{Checkpoint: c.ID}, nil
}

// backToStep makes r what it was when step n began, or the nearest one before
// it that there are files for.
func backToStep(ctx context.Context, tx postgres.Tx, r *postgres.LabRun, n int) (l postgres.LabReturn, err error) {
	c, err := tx.StepCheckpoint(ctx, *r, n, false)
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return l, err
	}
	if n == 0 {
		r.Message = words.Kept("Beginning again.")
		return l, nil
	}
	rewind(r, c.Step+1)
	r.Message = words.Kept("Going back to the beginning of step %d.", r.Step)
	return postgres.LabReturn{Checkpoint: c.ID}, nil
}

// rewind makes step n the current one of r, as if neither it nor any later one
// had been opened.
func rewind(r *postgres.LabRun, n int) {
	r.Step = n
	for i := n - 1; i < len(r.Steps); i++ {
		s := &r.Steps[i]
		s.State, s.Message, s.Checks, s.Score = hub.StepPending, "", nil, nil
		r.Marks[i].OpenedAt, r.Marks[i].Replayed = nil, false
	}
}

func (a *App) labReturn(ctx context.Context, session string) (l postgres.LabReturn, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		l, err = tx.LabReturn(ctx, session)
		return err
	})
	return l, err
}

// begin makes r's sandbox: at the lab's start, or where it returns to.
func (a *App) begin(ctx context.Context, r postgres.LabRun, sc *scenario.Scenario, assets []byte) error {
	l, err := a.labReturn(ctx, r.ID)
	if err != nil {
		return err
	}
	if l.Checkpoint != "" {
		return a.Labs.Engine.Restore(ctx, r.ID, sc, l.Checkpoint)
	}
	return a.Labs.Engine.Start(ctx, r.ID, sc, assets)
}

// replay does the steps before the one that r is on its way to, with their
// set-up and their solutions. It stops where a solution does not pass its own
// step's check, and says so. The caller has claimed r.
func (a *App) replay(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
	l, err := a.labReturn(ctx, r.ID)
	if err != nil || r.Step >= l.Goto || r.EndedAt != nil {
		return r, err
	}
	sc, _, err := a.scenario(ctx, r)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayTime)
	defer cancel()
	if err := a.prepared(ctx, r, 0); err != nil {
		return a.unreachable(ctx, r, err)
	}
	for done := true; done && r.Step < l.Goto && r.EndedAt == nil; {
		if r, done, err = a.replayStep(ctx, r, sc); err != nil {
			return r, err
		}
	}
	l.Goto = 0
	return r, a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.BeginLabReturn(ctx, r.ID, l) })
}

// replayStep does the current step of r and opens the next one. Where the step's
// check isn't content with its solution the step is failed, and not done.
func (a *App) replayStep(ctx context.Context, r postgres.LabRun, sc *scenario.Scenario) (_ postgres.LabRun, done bool, err error) {
	n := r.Step
	verdict, err := a.solve(ctx, r, sc)
	if err != nil {
		r, err = a.unreachable(ctx, r, err)
		return r, false, err
	}
	done = verdict.Outcome == labs.Passed || verdict.Outcome == labs.Unverified
	if done {
		if err := a.Labs.Engine.OpenStep(ctx, r.ID, sc, n+1); err != nil {
			r, err = a.unreachable(ctx, r, err)
			return r, false, err
		}
	}
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, r.ID); err != nil || r.EndedAt != nil {
			return err
		}
		now := a.now()
		s, m := &r.Steps[n-1], &r.Marks[n-1]
		m.OpenedAt, m.SolutionSeen = &now, true
		if done {
			s.State, s.Message, m.Replayed = hub.StepSkipped, replayedStep, true
			r.Step, r.Marks[n].OpenedAt = n+1, &now
		} else {
			s.State, s.Message = hub.StepFailed, strings.TrimSpace(words.Kept("The lab's own solution did not do it. %s", verdict.Message))
		}
		if err := tx.ResetLabSteps(ctx, r, now); err != nil {
			return err
		}
		return tx.SaveLabRun(ctx, r)
	})
	return r, done, err
}

// solve opens the current step of r, has its solution do it, and checks that.
func (a *App) solve(ctx context.Context, r postgres.LabRun, sc *scenario.Scenario) (v labs.Verdict, err error) {
	n := r.Step
	if r.Marks[n-1].OpenedAt == nil {
		if err := a.Labs.Engine.OpenStep(ctx, r.ID, sc, n); err != nil {
			return v, err
		}
	}
	if err := a.prepared(ctx, r, n); err != nil {
		return v, err
	}
	if err := a.Labs.Engine.Solve(ctx, r.ID, sc, n); err != nil {
		return v, err
	}
	return a.Labs.Engine.Check(ctx, r.ID, sc, n)
}

// prepared waits until the set-up of page n has ended or has had its time.
func (a *App) prepared(ctx context.Context, r postgres.LabRun, n int) error {
	began := a.now()
	tick := time.NewTicker(pollSetup)
	defer tick.Stop()
	for {
		setup, err := a.Labs.Engine.Setup(ctx, r.ID, n)
		if err != nil || setup.Settled(a.now().Sub(began)) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
