package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

const (
	checkTime   = 90 * time.Second // the check itself has less
	beforeSkip  = 3                // checks that did not pass
	moveOnTime  = 30 * time.Second
	preparingIn = 2 * time.Second
)

// stepDone reports whether the learner may go on from step n.
func stepDone(r postgres.LabRun, n int) bool {
	s, m := r.Steps[n-1].State, r.Marks[n-1]
	return s == hub.StepSkipped || (s == hub.StepPassed || !m.Checked) && m.RightAnswers >= m.Questions
}

// counts reports whether there is something to be right about in a step.
func counts(m postgres.StepMarks) bool { return m.Checked || m.Questions > 0 }

// counted is how many steps have something to be right about.
func counted(r postgres.LabRun) (n int) {
	for _, m := range r.Marks {
		if counts(m) {
			n++
		}
	}
	return n
}

// passed is how many of them are right.
func passed(r postgres.LabRun) (n int) {
	for i, m := range r.Marks {
		if counts(m) && stepDone(r, i+1) && r.Steps[i].State != hub.StepSkipped {
			n++
		}
	}
	return n
}

// stepOf is the step the caller means by step: 0 is the current one.
func stepOf(r postgres.LabRun, step int) (int, error) {
	if len(r.Steps) == 0 {
		return 0, hub.Errorf(hub.Invalid, "This lab has no steps.")
	}
	if step == 0 {
		return r.Step, nil
	}
	if step < 0 || step > len(r.Steps) {
		e := hub.New(hub.Invalid, "There is no such step. This lab's are numbered from 1 to %d.", len(r.Steps))
		e.Fields = []hub.FieldError{{Pointer: "/step", Detail: "This is not a step of the lab."}}
		return 0, e
	}
	return step, nil
}

// atWork finds a running session, claims it, and makes sure that its set-up is
// over.
func (a Actor) atWork(ctx context.Context, ref string) (postgres.LabRun, func(), error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return r, nil, err
	}
	if a.app.Labs.Engine == nil || r.Node != a.app.Labs.Node {
		return r, nil, hub.Errorf(hub.Unavailable, "The machine this lab runs on cannot be reached from here right now. Please try again.")
	}
	release, err := a.app.work.claim(ctx, r.ID)
	if err != nil {
		return r, nil, hub.Wrap(err, hub.Unavailable, "The lab is busy. Please try again.")
	}
	r, err = a.app.readLabRun(ctx, r.ID)
	if err == nil {
		err = a.app.stillRuns(r)
	}
	if err == nil {
		r, err = a.app.settle(ctx, r)
	}
	if err == nil && r.State == hub.Provisioning {
		err = &hub.Error{Code: hub.Unavailable, Message: "The lab is still being prepared. Please try again in a moment.", RetryAfter: preparingIn}
	}
	if err != nil {
		release()
		return r, nil, err
	}
	return r, release, nil
}

// CheckLab checks a step: 0 is the current one. An earlier step may be checked
// again and loses nothing; checking the next one first moves on to it, when the
// learner may. A check that has begun goes on when the caller hangs up.
func (a Actor) CheckLab(ctx context.Context, ref string, step int) (res hub.CheckResult, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return res, err
	}
	if !a.app.work.beginCheck(r.ID) {
		return res, hub.Errorf(hub.Conflict, "This lab is being checked already.")
	}
	defer a.app.work.endCheck(r.ID)
	r, release, err := a.atWork(ctx, r.ID)
	if err != nil {
		return res, err
	}
	defer release()
	n, err := stepOf(r, step)
	if err != nil {
		return res, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	sc, _, err := a.app.scenario(ctx, r)
	if err != nil {
		return res, err
	}
	for r.Step < n {
		if s := r.Steps[r.Step-1].State; !stepDone(r, r.Step) && s == hub.StepPassed {
			return res, notDone(r, r.Step)
		}
		if !stepDone(r, r.Step) {
			return res, hub.Errorf(hub.Conflict, "Step %d is not open yet. Pass step %d first.", n, r.Step)
		}
		if r, err = a.app.openNext(ctx, r, sc); err != nil {
			return res, err
		}
	}
	if r.Marks[n-1].Broken {
		return res, hub.Errorf(hub.Conflict, "The check of step %d is known to be broken, so the step counts without it. Go on with: cmh lab next %s", n, r.LabID)
	}
	if !r.Marks[n-1].Checked {
		return res, hub.Errorf(hub.Conflict, "Step %d has no check. Go on with: cmh lab next %s", n, r.LabID)
	}
	if err := a.app.stepReady(ctx, r, n); err != nil {
		return res, err
	}
	verdict, err := a.app.Labs.Engine.Check(ctx, r.ID, sc, n)
	switch {
	case errors.Is(err, labs.ErrChecking):
		return res, hub.Errorf(hub.Conflict, "This lab is being checked already.")
	case err != nil:
		_, err = a.app.unreachable(ctx, r, err)
		return res, err
	case verdict.Outcome == labs.Unverified: // an empty check passes nobody
		verdict = labs.Verdict{Outcome: labs.Unchecked, Message: words.Kept("This step's check is empty, so it could not be checked. Tell the lab's author.")}
	}
	first := r.Steps[n-1].State != hub.StepPassed
	if r, err = a.app.recordCheck(ctx, r.ID, n, sc.Steps[n-1], verdict); err != nil {
		return res, err
	}
	if first && verdict.Outcome == labs.Passed && n == r.Step {
		a.app.keepStep(ctx, r)
	}
	if first && verdict.Outcome == labs.Passed && n == len(sc.Steps) {
		// The finish page is in front of the learner now. Its scripts are a
		// farewell: a check that passed has passed without them.
		_ = a.app.Labs.Engine.OpenStep(ctx, r.ID, sc, n+1)
	}
	return hub.CheckResult{
		SessionID: r.ID, Step: n, State: string(verdict.Outcome), Message: verdict.Message,
		Checks: outcomes(r.Steps[n-1].Title, verdict), Open: openAnswers(r.Marks[n-1]), Steps: r.Steps,
	}, nil
}

// stepReady refuses a check while the step's own set-up runs: a check that
// something is absent would pass before it is there.
func (a *App) stepReady(ctx context.Context, r postgres.LabRun, n int) error {
	opened := r.Marks[n-1].OpenedAt
	if opened == nil || a.now().Sub(*opened) >= labs.Preparing {
		return nil
	}
	setup, err := a.Labs.Engine.Setup(ctx, r.ID, n)
	if err != nil {
		_, err = a.unreachable(ctx, r, err)
		return err
	}
	if setup.Running {
		return &hub.Error{Code: hub.Unavailable, Message: "The step is still being prepared. Please try again in a moment.", RetryAfter: preparingIn}
	}
	return nil
}

// recordCheck writes what a check of step n gave. What was passed or skipped
// stays so, and a check that could not be run counts as no attempt.
func (a *App) recordCheck(ctx context.Context, id string, n int, st scenario.Step, v labs.Verdict) (r postgres.LabRun, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, id); err != nil {
			return err
		}
		if err := a.stillRuns(r); err != nil {
			return err
		}
		s, m := &r.Steps[n-1], &r.Marks[n-1]
		first := v.Outcome == labs.Passed && s.State != hub.StepPassed
		if v.Outcome == labs.Unchecked {
			m.Errors++
		} else {
			s.Attempts++
		}
		if m.Replayed { // the lab's own solution is nobody's work
			first = false
		}
		if first || s.State != hub.StepPassed && s.State != hub.StepSkipped {
			s.State = string(v.Outcome)
		}
		if first {
			s.Score = score(*m, st)
		}
		s.Message, s.Checks = v.Message, outcomes(s.Title, v)
		if err := tx.SaveLabStep(ctx, r, n, a.now()); err != nil {
			return err
		}
		err := tx.Event(ctx, r.UserID, "lab.checked", map[string]any{
			"session": r.ID, "lab": r.LabID, "version": r.Version, "step": n, "outcome": v.Outcome, "first": first, "score": s.Score,
		})
		if err != nil || !first {
			return err
		}
		_, err = a.recordLab(ctx, tx, r, 100*passed(r)/counted(r))
		return err
	})
	return r, err
}

// recordLab merges how far a session got into its learner's progress.
func (a *App) recordLab(ctx context.Context, tx postgres.Tx, r postgres.LabRun, percentage int) (completed bool, err error) {
	if completed, err = tx.MergeLabProgress(ctx, r.UserID, r.LabID, percentage, a.now()); err != nil {
		return false, err
	}
	var courses []string
	if completed {
		if err := a.labEvent(ctx, tx, r, "lab.completed"); err != nil {
			return false, err
		}
		course, err := tx.CourseOfLab(ctx, r.LabID)
		if err != nil {
			return false, err
		}
		if course != "" {
			courses = append(courses, course)
		}
	}
	return completed, a.honour(ctx, tx, r.UserID, courses...)
}

// openNext opens the step after the current one. The caller has claimed r.
func (a *App) openNext(ctx context.Context, r postgres.LabRun, sc *scenario.Scenario) (postgres.LabRun, error) {
	next := r.Step + 1
	a.keepDone(ctx, r)
	if err := a.Labs.Engine.OpenStep(ctx, r.ID, sc, next); err != nil {
		return a.unreachable(ctx, r, err)
	}
	return a.changeLab(ctx, r.ID, "lab.step_opened", func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
		if err := a.stillRuns(*r); err != nil {
			return err
		}
		r.Step = next
		return a.opened(ctx, tx, r)
	})
}

// NextLabStep moves on from a step that is passed, skipped or has no check.
func (a Actor) NextLabStep(ctx context.Context, ref string) (hub.LabSession, error) {
	return a.moveOn(ctx, ref, func(_ context.Context, r postgres.LabRun) (postgres.LabRun, error) {
		if len(r.Steps) > 0 && !stepDone(r, r.Step) {
			return r, notDone(r, r.Step)
		}
		if r.Step == len(r.Steps) {
			return r, hub.Errorf(hub.Conflict, "This is the last step. Hand the lab in with: cmh lab submit %s", r.LabID)
		}
		return r, nil
	})
}

// SkipLabStep gives up on the current step, after a few checks that did not
// pass, and moves on when there is a next one. A skipped step stays open: it
// may still be checked and passed.
func (a Actor) SkipLabStep(ctx context.Context, ref string) (hub.LabSession, error) {
	return a.moveOn(ctx, ref, func(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
		n := r.Step
		if n == 0 || stepDone(r, n) {
			return r, hub.Errorf(hub.Conflict, "There is nothing to skip here. Go on with: cmh lab next %s", r.LabID)
		}
		if tries := r.Steps[n-1].Attempts + r.Marks[n-1].Errors + r.Marks[n-1].WrongAnswers; tries < beforeSkip {
			return r, hub.Errorf(hub.Conflict, "A step can be skipped after %d checks that did not pass; so far: %d.", beforeSkip, tries)
		}
		err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
			if r, err = tx.LockLabRun(ctx, r.ID); err != nil {
				return err
			}
			r.Steps[n-1].State = hub.StepSkipped
			if err := tx.SaveLabStep(ctx, r, n, a.app.now()); err != nil {
				return err
			}
			return a.app.labEvent(ctx, tx, r, "lab.step_skipped")
		})
		return r, err
	})
}

// moveOn opens the next step, if there is one, when may agrees.
func (a Actor) moveOn(ctx context.Context, ref string, may func(context.Context, postgres.LabRun) (postgres.LabRun, error)) (s hub.LabSession, err error) {
	r, release, err := a.atWork(ctx, ref)
	if err != nil {
		return s, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moveOnTime) // half a move is worse than a late one
	defer cancel()
	if r, err = may(ctx, r); err != nil {
		return s, err
	}
	if r.Step < len(r.Steps) {
		sc, _, err := a.app.scenario(ctx, r)
		if err != nil {
			return s, err
		}
		if r, err = a.app.openNext(ctx, r, sc); err != nil {
			return s, err
		}
	}
	return a.app.session(r), nil
}

// LabSolution shows how a step can be solved, once it has been checked. A step
// without a check needs none.
func (a Actor) LabSolution(ctx context.Context, ref string, step int) (sol hub.Solution, err error) {
	err = a.onStep(ctx, ref, step, func(r *postgres.LabRun, n int, st scenario.Step) error {
		if r.Marks[n-1].Checked && r.Steps[n-1].State == hub.StepPending {
			return hub.Errorf(hub.Conflict, "Try step %d first: its solution is shown after its first check.", n)
		}
		sol = hub.Solution{Step: n, Text: st.Solution}
		if st.Solve != nil {
			sol.Script = string(st.Solve.Source)
		}
		if strings.TrimSpace(sol.Script+sol.Text) == "" {
			return hub.Errorf(hub.NotFound, "Step %d has no solution.", n)
		}
		r.Marks[n-1].SolutionSeen = true
		return nil
	})
	return sol, err
}

// onStep reads and changes the marks of an open step of a running session.
func (a Actor) onStep(ctx context.Context, ref string, step int, do func(*postgres.LabRun, int, scenario.Step) error) error {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return err
	}
	n, err := stepOf(r, step)
	if err != nil {
		return err
	}
	if n > r.Step {
		return hub.Errorf(hub.Conflict, "Step %d is not open yet. You are at step %d.", n, r.Step)
	}
	sc, _, err := a.app.scenario(ctx, r)
	if err != nil {
		return err
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err := tx.LockLabRun(ctx, r.ID)
		if err != nil {
			return err
		}
		before := r.Marks[n-1]
		if err := do(&r, n, sc.Steps[n-1]); err != nil || r.Marks[n-1] == before {
			return err
		}
		return tx.SaveLabStep(ctx, r, n, a.app.now())
	})
}
