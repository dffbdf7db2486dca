package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Bounds of the checks that run by themselves. One that takes long is tried
// less often, and cut off, also while its agent is too busy to say hello; the
// learner's own check gives it all its time.
const (
	pollEvery = 3 * time.Second
	pollTime  = 10 * time.Second
	pollAtAll = 4                // at once, on this machine
	watching  = 30 * time.Second // somebody asked for the session's state that recently
)

// polls is when sessions were looked at, and when they may be polled again. It
// is guarded by labWork's lock.
type polls struct {
	looked map[string]time.Time
	next   map[string]time.Time
}

// seen notes that somebody looks at the session.
func (w *labWork) seen(session string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polls.looked == nil {
		w.polls.looked = map[string]time.Time{}
	}
	w.polls.looked[session] = now
}

// due returns the sessions that somebody is attached to or watches, and whose
// last poll is long enough ago.
func (w *labWork) due(now time.Time) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	gone := func(_ string, at time.Time) bool { return now.Sub(at) > watching }
	maps.DeleteFunc(w.polls.looked, gone)
	maps.DeleteFunc(w.polls.next, gone)
	var ids []string
	for id := range w.attached {
		ids = append(ids, id)
	}
	for id := range w.polls.looked {
		if w.attached[id] == 0 {
			ids = append(ids, id)
		}
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return w.polls.next[id].After(now) })
	slices.Sort(ids)
	return ids
}

// polled says that the next poll is not before the given moment.
func (w *labWork) polled(session string, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polls.next == nil {
		w.polls.next = map[string]time.Time{}
	}
	w.polls.next[session] = next
}

// PollLabs tries the continuous checks of the sessions that somebody is there
// for. It is called every few seconds.
func (a *App) PollLabs(ctx context.Context) error {
	if a.Labs.Engine == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(pollAtAll)
	for _, id := range a.work.due(a.now()) {
		g.Go(func() error {
			began := a.now()
			err := a.poll(ctx, id)
			took := a.now().Sub(began)
			a.work.polled(id, began.Add(max(pollEvery, 5*took)))
			if code := hub.CodeOf(err); code == hub.Conflict || code == hub.Unavailable || code == hub.NotFound {
				return nil // ended, or busy: another time
			}
			return err
		})
	}
	return g.Wait()
}

// poll tries the continuous checks of one session's step, if it has any.
func (a *App) poll(ctx context.Context, id string) error {
	r, err := a.readLabRun(ctx, id)
	if err != nil || r.Step == 0 || r.Node != a.Labs.Node || r.State == hub.Provisioning || a.stillRuns(r) != nil ||
		!r.Marks[r.Step-1].Checked || r.Steps[r.Step-1].State == hub.StepPassed {
		return err
	}
	sc, _, err := a.scenario(ctx, r)
	if err != nil || !sc.Continuous(r.Step) {
		return err
	}
	if !a.work.beginCheck(id) {
		return nil
	}
	defer a.work.endCheck(id)
	release, taken := a.work.tryClaim(id)
	if taken != nil {
		return nil
	}
	defer release()
	if r, err = a.readLabRun(ctx, id); err != nil || a.stillRuns(r) != nil {
		return err
	}
	n := r.Step
	if err := a.stepReady(ctx, r, n); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	v, whole, err := a.Labs.Engine.Poll(short, id, sc, n)
	if err != nil {
		return nil // the learner's own check will say so, and the next poll comes anyway
	}
	if r, err = a.recordPoll(ctx, id, n, sc.Steps[n-1], v, whole); err != nil {
		return err
	}
	if sc.Challenge && stepDone(r, n) && n < len(r.Steps) {
		_, err = a.openNext(ctx, r, sc)
	}
	return err
}

// recordPoll writes what changed since the last look. Only when every check of
// the step was tried can it pass, and nothing of it counts as an attempt.
func (a *App) recordPoll(ctx context.Context, id string, n int, st scenario.Step, v labs.Verdict, whole bool) (postgres.LabRun, error) {
	r, err := a.readLabRun(ctx, id)
	if err != nil {
		return r, err
	}
	if whole && v.Outcome == labs.Passed {
		return a.recordCheck(ctx, id, n, st, v)
	}
	now := outcomes(r.Steps[n-1].Title, v)
	if !newer(r.Steps[n-1].Checks, now) {
		return r, nil
	}
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, id); err != nil {
			return err
		}
		r.Steps[n-1].Checks = merged(r.Steps[n-1].Checks, now)
		if err := tx.SaveLabStep(ctx, r, n, a.now()); err != nil {
			return err
		}
		return tx.Event(ctx, r.UserID, "lab.polled", map[string]any{
			"session": r.ID, "lab": r.LabID, "version": r.Version, "step": n, "outcome": v.Outcome,
		})
	})
	return r, err
}

// newer reports whether a check has another outcome now than before.
func newer(was, now []hub.CheckOutcome) bool {
	for _, c := range now {
		i := slices.IndexFunc(was, func(o hub.CheckOutcome) bool { return o.Name == c.Name })
		if i < 0 || was[i].State != c.State {
			return true
		}
	}
	return false
}

// merged is was with the outcomes of now in it.
func merged(was, now []hub.CheckOutcome) []hub.CheckOutcome {
	out := slices.Clone(was)
	for _, c := range now {
		if i := slices.IndexFunc(out, func(o hub.CheckOutcome) bool { return o.Name == c.Name }); i >= 0 {
			out[i] = c
		} else {
			out = append(out, c)
		}
	}
	return out
}
