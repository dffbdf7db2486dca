package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// runningLabs is how many sessions one learner may have at once.
func runningLabs(role hub.Role) int {
	if access.Rank(role) >= access.Rank(hub.Premium) {
		return 5
	}
	return 2
}

// Why a session ended, as its learner reads it.
const (
	handedIn = "Handed in."
	stopped  = "Stopped."
	timeIsUp = "Its time was up."
)

var _ = [...]string{words.Kept(handedIn), words.Kept(stopped), words.Kept(timeIsUp)}

// LabSessions lists the caller's sessions: running ones first, then the newest.
func (a Actor) LabSessions(ctx context.Context) ([]hub.LabSession, error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	var runs []postgres.LabRun
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		runs, err = tx.UsersLabRuns(ctx, a.user.ID, 100)
		return err
	})
	sessions := make([]hub.LabSession, len(runs))
	for i, r := range runs {
		sessions[i] = a.app.session(r)
	}
	return sessions, err
}

// LabSession returns one of the caller's sessions. ref is its id, or a lab: then
// it is the running session of the lab, or the latest.
func (a Actor) LabSession(ctx context.Context, ref string) (hub.LabSession, error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return hub.LabSession{}, err
	}
	a.app.work.seen(r.ID, a.app.now())
	r, err = a.app.settleIfFree(ctx, r)
	return a.app.session(r), err
}

// labRun finds the caller's session. Missing and somebody else's are the same.
func (a Actor) labRun(ctx context.Context, ref string) (r postgres.LabRun, err error) {
	if err := a.signedIn(); err != nil {
		return r, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err = tx.UsersLabRun(ctx, a.user.ID, ref)
		return err
	})
	return r, err
}

// runningLab is labRun for what only a running session can do.
func (a Actor) runningLab(ctx context.Context, ref string) (postgres.LabRun, error) {
	r, err := a.labRun(ctx, ref)
	if err == nil {
		err = a.app.stillRuns(r)
	}
	return r, err
}

func (a *App) stillRuns(r postgres.LabRun) error {
	switch {
	case r.EndedAt == nil && r.ExpiresAt.After(a.now()):
		return nil
	case r.EndedAt == nil:
		r.Message = timeIsUp
	}
	return hub.Errorf(hub.Conflict, "This lab session has ended. %s Begin again with: cmh lab start %s", hub.Word(r.Message), r.LabID)
}

// session is r as its learner sees it.
func (a *App) session(r postgres.LabRun) hub.LabSession {
	s := r.LabSession
	s.SSH = a.Labs.SSH
	s.SSH.User = s.ID
	if s.Steps == nil {
		s.Steps = []hub.StepState{}
	}
	return s
}

// StartLab begins a session of a lab, or returns the one that runs. The answer
// may come while the session is still provisioning.
func (a Actor) StartLab(ctx context.Context, lab string) (hub.LabSession, error) {
	s, _, err := a.OpenLab(ctx, lab)
	return s, err
}

// OpenLab is StartLab that also tells whether the session is a new one.
func (a Actor) OpenLab(ctx context.Context, lab string) (s hub.LabSession, created bool, err error) {
	if err := a.signedIn(); err != nil {
		return s, false, err
	}
	var r postgres.LabRun
	seat, err := a.takeSeat(ctx, lab, func() error { return a.worthWaiting(ctx, lab, &r) })
	if errors.Is(err, errRunsAlready) {
		return a.app.session(r), false, nil
	}
	if err != nil {
		return s, false, err
	}
	defer seat.leave()
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, created, err = a.reserveLab(ctx, tx, lab)
		return err
	})
	a.app.known.forgetTakes(a.user.ID)
	seat.isStored()
	if err != nil {
		return s, false, err
	}
	if created {
		if r, err = a.app.provision(ctx, r.ID); err != nil {
			return s, false, err
		}
	}
	return a.app.session(r), created, nil
}

// errRunsAlready is worthWaiting's word that the session is there.
var errRunsAlready = errors.New("the lab runs already")

// worthWaiting tells, before the caller queues for a lab, what would make it no
// use: the session that runs, in r, or what stands in the way of one.
func (a Actor) worthWaiting(ctx context.Context, lab string, r *postgres.LabRun) error {
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		old, _, err := a.mayStart(ctx, tx, lab)
		if err == nil && old != nil {
			*r, err = *old, errRunsAlready
		}
		return err
	})
}

// mayStart finds the running session of a lab, or the lab, when the caller may
// start it. Starts by the same learner take turns from here to the end of the
// transaction.
func (a Actor) mayStart(ctx context.Context, tx postgres.Tx, lab string) (old *postgres.LabRun, v postgres.LabVersion, err error) {
	now := a.app.now()
	runs, err := tx.RunningLabs(ctx, a.user.ID)
	if err != nil {
		return nil, v, err
	}
	alive := runs[:0]
	for _, old := range runs {
		if !old.ExpiresAt.After(now) {
			if err := a.app.expire(ctx, tx, old); err != nil {
				return nil, v, err
			}
			continue
		}
		if old.LabID == lab {
			return &old, v, nil
		}
		alive = append(alive, old)
	}
	if v, err = a.labIn(ctx, tx, lab); err != nil {
		return nil, v, err
	}
	if err := a.entitled(v); err != nil {
		return nil, v, err
	}
	if a.app.dress(&v.Lab); !v.Lab.Runnable {
		return nil, v, hub.Errorf(hub.Conflict, "The lab %s cannot run here: %s.", lab, hub.Word(v.Lab.Reason))
	}
	if most := runningLabs(a.user.Role); len(alive) >= most {
		e := hub.New(hub.Limit, "You have %d labs running, and your tier allows %d at once. Stop one first: cmh lab stop %s", len(alive), most, alive[0].LabID)
		e.RetryAfter = alive[0].ExpiresAt.Sub(now)
		return nil, v, e
	}
	if left, err := a.labTimeLeft(ctx, tx); err != nil || left < time.Minute {
		return nil, v, cmp.Or(err, a.errLabTime())
	}
	return nil, v, a.aloneHere(ctx, tx)
}

// reserveLab finds the running session of a lab, or stores a new one.
func (a Actor) reserveLab(ctx context.Context, tx postgres.Tx, lab string) (r postgres.LabRun, created bool, err error) {
	old, v, err := a.mayStart(ctx, tx, lab)
	if err != nil {
		return r, false, err
	}
	if old != nil {
		return *old, false, nil
	}
	now := a.app.now()
	if v.CourseID != "" {
		fresh, err := tx.EnrollOnce(ctx, a.user.ID, v.CourseID, now)
		if err != nil {
			return r, false, err
		}
		if fresh {
			if err := tx.Event(ctx, a.user.ID, "course.enrolled", map[string]string{"course": v.Lab.Course}); err != nil {
				return r, false, err
			}
		}
	}
	clock := a.app.labTime(a.user.Role)
	left, err := a.labTimeLeft(ctx, tx)
	if err != nil {
		return r, false, err
	}
	clock = clock.within(left)
	r = postgres.LabRun{
		LabSession: hub.LabSession{
			ID: "s-" + strings.ToLower(rand.Text())[:10], LabID: lab, State: hub.Provisioning,
			Message: words.Kept("Preparing the lab."), Step: min(1, len(v.Lab.Steps)), Driver: a.app.Labs.Driver,
			CreatedAt: now, ExpiresAt: now.Add(clock.Life), ExtendableUntil: now.Add(clock.Most),
		},
		UserID: a.user.ID, Version: v.Version, Node: a.app.Labs.Node, IdleAfter: clock.Idle, Warned: warningDue(clock.Life),
	}
	if err := tx.AddLabRun(ctx, r, len(v.Lab.Steps)); err != nil {
		return r, false, err
	}
	if err := a.app.labEvent(ctx, tx, r, "lab.started"); err != nil {
		return r, false, err
	}
	r, err = tx.LabRun(ctx, r.ID)
	return r, err == nil, err
}

// aloneHere refuses a second learner where sandboxes can't be limited. Starts on
// this machine take turns from here to the end of the transaction.
func (a Actor) aloneHere(ctx context.Context, tx postgres.Tx) error {
	if !a.app.Labs.OneLearner {
		return nil
	}
	runs, err := tx.NodeLabRunsAlone(ctx, a.app.Labs.Node)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.UserID != a.user.ID && r.EndedAt == nil {
			return &hub.Error{
				Code:       hub.Limit,
				Message:    "This hub can run the labs of one learner at a time, and somebody else's runs. Try again when it has ended; cmh-server doctor says what would lift this.",
				RetryAfter: max(r.ExpiresAt.Sub(a.app.now()), time.Second),
			}
		}
	}
	return nil
}

// SubmitLab hands a session in and ends it, once every step that has a check
// is passed or skipped.
func (a Actor) SubmitLab(ctx context.Context, ref string) (hub.LabSession, error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return hub.LabSession{}, err
	}
	if r.State == hub.Submitted {
		return a.app.session(r), nil
	}
	return a.endLab(ctx, r.ID, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
		if err := a.app.stillRuns(*r); err != nil {
			return err
		}
		if open := openSteps(*r); len(open) > 0 {
			return hub.Errorf(hub.Conflict, "Not every step is done: %s. Check them with: cmh lab check %s", stepList(open), r.LabID)
		}
		if counted(*r) == 0 { // nothing was there to pass, and the learner has read it to the end
			if _, err := a.app.recordLab(ctx, tx, *r, 100); err != nil {
				return err
			}
		}
		r.State, r.Message = hub.Submitted, handedIn
		return nil
	}, "lab.submitted")
}

// openSteps lists the steps that stand in the way of handing in.
func openSteps(r postgres.LabRun) (open []int) {
	for i := range r.Steps {
		if counts(r.Marks[i]) && !stepDone(r, i+1) {
			open = append(open, i+1)
		}
	}
	if counted(r) == 0 && r.Step < len(r.Steps) {
		open = append(open, len(r.Steps))
	}
	return open
}

func stepList(steps []int) hub.Phrase {
	last := len(steps) - 1
	if last == 0 {
		return hub.Phrasef("step %d", steps[0])
	}
	before := make([]string, last)
	for i, n := range steps[:last] {
		before[i] = strconv.Itoa(n)
	}
	return hub.Phrasef("steps %s and %d", strings.Join(before, ", "), steps[last])
}

// StopLab ends a session without handing it in. One that has ended is left as
// it is.
func (a Actor) StopLab(ctx context.Context, ref string) (hub.LabSession, error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return hub.LabSession{}, err
	}
	if r.EndedAt != nil {
		return a.app.session(r), nil
	}
	return a.endLab(ctx, r.ID, func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
		if r.EndedAt == nil {
			r.State, r.Message = hub.Stopped, stopped
		}
		return nil
	}, "lab.stopped")
}

// endLab ends a session as end says, and destroys its sandbox. Should that
// fail, the sweeper meets the sandbox again.
func (a Actor) endLab(ctx context.Context, id string, end labChange, event string) (hub.LabSession, error) {
	r, err := a.app.changeLab(ctx, id, event, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
		if err := end(ctx, tx, r); err != nil || !hub.Ended(r.State) || r.EndedAt != nil {
			return err
		}
		now := a.app.now()
		r.EndedAt = &now
		return nil
	})
	if err != nil {
		return hub.LabSession{}, err
	}
	if err := a.app.destroyLab(ctx, r); err != nil {
		a.app.Log.WarnContext(ctx, "sandbox not destroyed yet", "session", id, "err", err)
	}
	return a.app.session(r), nil
}

// labChange changes a session that nobody else can change meanwhile.
type labChange func(context.Context, postgres.Tx, *postgres.LabRun) error

// changeLab lets change alter a session, and writes it with its event: both or
// neither. A change that leaves the state and the message as they are says
// nothing.
func (a *App) changeLab(ctx context.Context, id, event string, change labChange) (r postgres.LabRun, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, id); err != nil {
			return err
		}
		before := r
		if err := change(ctx, tx, &r); err != nil {
			return err
		}
		if r.State == before.State && r.Message == before.Message && r.Step == before.Step && r.SetupAt == before.SetupAt {
			return nil
		}
		if err := tx.SaveLabRun(ctx, r); err != nil || event == "" {
			return err
		}
		return a.labEvent(ctx, tx, r, event)
	})
	return r, err
}

// labEvent tells of a session what anybody who counts may want to know. The
// caller holds its row, or is about to add it: so the events of a session are
// numbered in the order in which they can be read.
func (a *App) labEvent(ctx context.Context, tx postgres.Tx, r postgres.LabRun, event string) error {
	return tx.Event(ctx, r.UserID, event, map[string]any{
		"session": r.ID, "lab": r.LabID, "version": r.Version, "state": r.State, "step": r.Step,
	})
}

// scenario reads what the session's lab does.
func (a *App) scenario(ctx context.Context, r postgres.LabRun) (sc *scenario.Scenario, assets []byte, err error) {
	var doc []byte
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		doc, assets, err = tx.LabScenario(ctx, r.LabID, r.Version)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	sc = &scenario.Scenario{}
	if err := json.Unmarshal(doc, sc); err != nil {
		return nil, nil, fmt.Errorf("read the scenario of %s: %w", r.LabID, err)
	}
	if len(sc.Steps) != len(r.Steps) {
		return nil, nil, fmt.Errorf("the scenario of %s has %d steps, its text has %d", r.LabID, len(sc.Steps), len(r.Steps))
	}
	return sc, assets, nil
}
