package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// LabTime is how long the sessions of one tier live.
type LabTime struct {
	Life time.Duration // from the start
	Most time.Duration // from the start, extensions included
	Idle time.Duration // with nobody attached and nothing happening
}

// The times of the tiers, where nothing else is configured. Instructors and
// admins have the premium tier's.
var (
	DefaultFree    = LabTime{Life: time.Hour, Most: 2 * time.Hour, Idle: 30 * time.Minute}
	DefaultPremium = LabTime{Life: 2 * time.Hour, Most: 8 * time.Hour, Idle: time.Hour}
)

// extension is what ExtendLab adds when the caller doesn't say.
const extension = 30

// tellLimit bounds telling a sandbox its time: whoever waits for it has other
// things to do, and what fails is met again.
const tellLimit = 2 * time.Second

func (a *App) labTime(role hub.Role) LabTime {
	t, def := a.Labs.Free, DefaultFree
	if access.Rank(role) >= access.Rank(hub.Premium) {
		t, def = a.Labs.Premium, DefaultPremium
	}
	fill := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	fill(&t.Life, def.Life)
	fill(&t.Most, def.Most)
	fill(&t.Idle, def.Idle)
	t.Most = max(t.Most, t.Life)
	return t
}

// within is t where no more than left may be used today. What would use all of
// it at once begins shorter, so that there is something to extend it by; what
// is too little to be shared out is used at once.
func (t LabTime) within(left time.Duration) LabTime {
	t.Most = min(t.Most, left)
	switch {
	case t.Life < t.Most || left < 20*time.Minute:
		t.Life = min(t.Life, t.Most)
	default:
		t.Life = min(t.Life, (left * 3 / 4).Round(time.Minute))
	}
	return t
}

// warningDue is the warning, in minutes before the end, whose moment has come
// when left is left; 0 is none.
func warningDue(left time.Duration) (due int) {
	for _, m := range []int{10, 5, 1} {
		if left <= time.Duration(m)*time.Minute {
			due = m
		}
	}
	return due
}

// ExtendLab puts the end of a session off by some minutes, 30 when they are 0,
// as far as the caller's tier goes.
func (a Actor) ExtendLab(ctx context.Context, ref string, minutes int) (hub.LabSession, error) {
	if minutes < 0 || minutes > 24*60 {
		return hub.LabSession{}, hub.Unfit([]hub.FieldError{hub.Field("/minutes", "A lab is extended by 1 to 1440 minutes.")})
	}
	if minutes == 0 {
		minutes = extension
	}
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return hub.LabSession{}, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, r.ID); err != nil {
			return err
		}
		if err := a.app.stillRuns(r); err != nil {
			return err
		}
		before := r.ExpiresAt
		r.ExtendableUntil = r.CreatedAt.Add(a.app.labTime(a.user.Role).Most)
		left, err := a.labTimeLeft(ctx, tx)
		if err != nil {
			return err
		}
		if today := a.app.now().Add(left); today.Before(r.ExtendableUntil) {
			if !before.Before(today) {
				return a.errLabTime()
			}
			r.ExtendableUntil = today
		}
		if !before.Before(r.ExtendableUntil) {
			return hub.Errorf(hub.Conflict, "This lab cannot be extended any more: in your tier a lab lives %s at most.", spoken(r.ExtendableUntil.Sub(r.CreatedAt)))
		}
		r.ExpiresAt = before.Add(time.Duration(minutes) * time.Minute)
		if r.ExpiresAt.After(r.ExtendableUntil) {
			r.ExpiresAt = r.ExtendableUntil
		}
		r.Warned = warningDue(r.ExpiresAt.Sub(a.app.now()))
		if err := tx.SaveLabClock(ctx, r); err != nil {
			return err
		}
		return a.app.clockEvent(ctx, tx, r, "lab.extended", int(r.ExpiresAt.Sub(before).Round(time.Minute).Minutes()))
	})
	if err != nil {
		return hub.LabSession{}, err
	}
	a.app.tellTime(ctx, r)
	return a.app.session(r), nil
}

// spoken is d as people say it.
func spoken(d time.Duration) hub.Phrase {
	switch {
	case d >= 2*time.Hour && d%time.Hour == 0:
		return hub.Phrasef("%d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return hub.Phrasef("%d minutes", int(d.Minutes()))
	}
	return hub.Phrasef("%d seconds", int(d.Seconds()))
}

// They are in what is kept, too.
var _ = [...]string{words.Heard("%d hours"), words.Heard("%d minutes"), words.Heard("%d seconds")}

func (a *App) clockEvent(ctx context.Context, tx postgres.Tx, r postgres.LabRun, event string, minutes int) error {
	return tx.Event(ctx, r.UserID, event, map[string]any{
		"session": r.ID, "lab": r.LabID, "version": r.Version, "minutes": minutes, "expires_at": r.ExpiresAt.UTC(),
	})
}

// keepTime does what the clock of one running session asks for: its sandbox
// knows when it ends, its learner is warned, and left alone it ends.
func (a *App) keepTime(ctx context.Context, r postgres.LabRun) error {
	if r.EndedAt != nil || r.SetupAt == nil || !r.ExpiresAt.After(a.now()) {
		return nil
	}
	if a.work.mustTell(r.ID, r.ExpiresAt) {
		a.tellTime(ctx, r)
	}
	if due := warningDue(r.ExpiresAt.Sub(a.now())); due != 0 && (r.Warned == 0 || due < r.Warned) {
		if err := a.warn(ctx, r.ID, due); err != nil {
			return err
		}
	}
	return a.endIdle(ctx, r)
}

// tellTime tells the sandbox of r when it ends, so that it does so when we are
// not there. What fails is logged and tried again by the next keepTime.
func (a *App) tellTime(ctx context.Context, r postgres.LabRun) {
	if a.Labs.Engine == nil || r.Node != a.Labs.Node {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellLimit)
	defer cancel()
	err := a.Labs.Engine.Expire(ctx, r.ID, r.ExpiresAt.Sub(a.now()))
	if err == nil {
		a.work.wasTold(r.ID, r.ExpiresAt)
	} else if !errors.Is(err, labs.ErrNotFound) {
		a.Log.WarnContext(ctx, "sandbox not told yet when it ends", "session", r.ID, "err", err)
	}
}

// warn tells of a session that its end is near; the sandbox tells its terminals
// by itself.
func (a *App) warn(ctx context.Context, id string, due int) error {
	return a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err := tx.LockLabRun(ctx, id)
		if err != nil || r.EndedAt != nil || warningDue(r.ExpiresAt.Sub(a.now())) != due {
			return err // it was extended meanwhile, say
		}
		r.Warned = due
		if err := tx.SaveLabClock(ctx, r); err != nil {
			return err
		}
		return a.clockEvent(ctx, tx, r, "lab.warning", due)
	})
}

// endIdle ends a session that nobody has used for long. Its sandbox knows since
// when, also across our restarts; it is asked no sooner than it may be true.
func (a *App) endIdle(ctx context.Context, r postgres.LabRun) error {
	if r.IdleAfter <= 0 || a.work.attach(r.ID, 0) > 0 || a.now().Before(a.work.lookAt(r.ID, r.SetupAt.Add(r.IdleAfter))) {
		return nil
	}
	ask, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	idle, err := a.Labs.Engine.Idle(ask, r.ID)
	if errors.Is(err, labs.ErrNotFound) {
		return nil // the sweep ends it
	}
	if err != nil {
		return fmt.Errorf("ask %s whether it is in use: %w", r.ID, err)
	}
	if idle < r.IdleAfter {
		a.work.lookAgain(r.ID, a.now().Add(r.IdleAfter-idle))
		return nil
	}
	r, err = a.changeLab(ctx, r.ID, "lab.expired", func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
		if r.EndedAt == nil {
			now := a.now()
			r.State, r.EndedAt = hub.Expired, &now
			r.Message = words.Kept("Nobody used it for %s.", spoken(r.IdleAfter))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.destroyLab(ctx, r)
}

// mustTell reports whether the sandbox has yet to hear that it ends then.
func (w *labWork) mustTell(session string, ends time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.told[session].Equal(ends)
}

func (w *labWork) wasTold(session string, ends time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[string]time.Time{}
	}
	w.told[session] = ends
}

// lookAt is when to ask the sandbox whether it is in use; first, when it was
// never asked.
func (w *labWork) lookAt(session string, first time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.look[session]; ok {
		return at
	}
	return first
}

func (w *labWork) lookAgain(session string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.look == nil {
		w.look = map[string]time.Time{}
	}
	w.look[session] = at
}

// forgetClocks forgets the sessions that are not among those of this node.
func (w *labWork) forgetClocks(runs []postgres.LabRun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range []map[string]time.Time{w.told, w.look} {
		if len(m) <= len(runs) {
			continue
		}
		here := map[string]bool{}
		for _, r := range runs {
			here[r.ID] = true
		}
		for id := range m {
			if !here[id] {
				delete(m, id)
			}
		}
	}
}
