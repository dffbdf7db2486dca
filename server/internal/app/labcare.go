package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// neverMade is how long after its start a session without a sandbox is given
// up rather than tried again.
const neverMade = 2 * time.Minute

// goneTime is for asking whether a sandbox is still there. One that is gone says so
// at once; one that hangs, or has no time for us, is there.
const goneTime = 5 * time.Second

// How many sessions are ended and tended at once.
const (
	endAtOnce  = 4
	tendAtOnce = 8
)

// AdoptLabs takes over what an earlier process on this node left: sessions go
// on, whoever was attached is not any more, and what belongs to nobody is
// destroyed. It is called once, before learners are let in.
func (a *App) AdoptLabs(ctx context.Context) error {
	if a.Labs.Engine == nil {
		return nil
	}
	runs, err := a.nodeLabRuns(ctx)
	errs := []error{err, a.sweepCheckpoints(ctx, a.now())}
	for _, r := range runs {
		if r.State == hub.Active {
			errs = append(errs, a.attachment(ctx, r.ID))
		}
	}
	return errors.Join(append(errs, a.TendLabs(ctx), a.SweepLabs(ctx))...)
}

// TendLabs does what is due on this node: it ends the sessions whose time is
// up, and moves on those that somebody else's process, or nobody, was making.
// It is called every few seconds.
func (a *App) TendLabs(ctx context.Context) error {
	if a.Labs.Engine == nil {
		return nil
	}
	var expired []postgres.LabRun
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if expired, err = tx.ExpiredLabRuns(ctx, a.now()); err != nil {
			return err
		}
		for _, r := range expired {
			if err := a.expire(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		expired = nil
	}
	ended := eachRun(endAtOnce, expired, func(r postgres.LabRun) error { return a.destroyLab(ctx, r) })
	runs, listErr := a.nodeLabRuns(ctx)
	tended := eachRun(tendAtOnce, runs, func(r postgres.LabRun) error {
		return errors.Join(a.tend(ctx, r), a.keepTime(ctx, r), a.keepOut(ctx, r), a.keepDesk(ctx, r))
	})
	a.work.forgetClocks(runs)
	return errors.Join(err, ended, listErr, tended)
}

// eachRun calls f for every run, for some at once, so that a slow disk or a
// sandbox that does not answer holds up few others. It returns all errors.
func eachRun(atOnce int, runs []postgres.LabRun, f func(postgres.LabRun) error) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	errs := make([]error, len(runs))
	for i, r := range runs {
		g.Go(func() error {
			errs[i] = f(r)
			return nil
		})
	}
	_ = g.Wait()
	return errors.Join(errs...)
}

func (a *App) nodeLabRuns(ctx context.Context) (runs []postgres.LabRun, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		runs, err = tx.NodeLabRuns(ctx, a.Labs.Node)
		return err
	})
	return runs, err
}

// expire ends a session whose time is up. Its sandbox is for the caller, once
// the transaction has held.
func (a *App) expire(ctx context.Context, tx postgres.Tx, r postgres.LabRun) error {
	r.State, r.Message, r.EndedAt = hub.Expired, timeIsUp, &r.ExpiresAt
	if err := tx.SaveLabRun(ctx, r); err != nil {
		return err
	}
	return a.labEvent(ctx, tx, r, "lab.expired")
}

// tend moves one session on, if nobody is at work on it.
func (a *App) tend(ctx context.Context, r postgres.LabRun) error {
	l, err := a.labReturn(ctx, r.ID)
	if err != nil {
		return err
	}
	if r.EndedAt != nil || r.State != hub.Provisioning || (r.SetupAt != nil && r.Step >= l.Goto) {
		_, err := a.settleIfFree(ctx, r)
		return err
	}
	release, taken := a.work.tryClaim(r.ID)
	if taken != nil {
		return nil
	}
	release()
	begun := r.CreatedAt
	if l.BegunAt.After(begun) {
		begun = l.BegunAt
	}
	if r.SetupAt == nil && a.now().Sub(begun) > neverMade {
		_, err := a.stopLost(ctx, r.ID, words.Kept("It could not be started in time. Please start it again."))
		return err
	}
	_, err = a.provision(ctx, r.ID)
	return err
}

// SweepLabs makes this node agree with the rows: sandboxes that no running
// session owns are destroyed, and sessions whose sandbox is gone are ended.
func (a *App) SweepLabs(ctx context.Context) error {
	if a.Labs.Engine == nil {
		return nil
	}
	// A row that was read before the list had its sandbox by then.
	before, err := a.nodeLabRuns(ctx)
	if err != nil {
		return err
	}
	_, err = a.CollectLabs(ctx)
	kept := a.sweepCheckpoints(ctx, a.now().Add(-abandonedAfter))
	swept := eachRun(tendAtOnce, before, func(r postgres.LabRun) error {
		switch {
		case r.EndedAt != nil:
			return a.destroyed(ctx, r)
		case r.SetupAt != nil:
			return a.endIfGone(ctx, r.ID)
		}
		return nil
	})
	return errors.Join(err, kept, swept)
}

// CollectLabs destroys the sandboxes on this node that no running session owns,
// and says which those were.
func (a *App) CollectLabs(ctx context.Context) (gone []string, err error) {
	// The rows of sandboxes are written before these are made, so a sandbox
	// without one is nobody's.
	there, err := a.Labs.Engine.List(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.nodeLabRuns(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, id := range there {
		at := slices.IndexFunc(rows, func(r postgres.LabRun) bool { return r.ID == id })
		if at >= 0 && rows[at].EndedAt == nil {
			continue
		}
		destroy := a.Labs.Engine.Destroy
		if at >= 0 { // what it was like at its end is kept first
			destroy = func(ctx context.Context, _ string) error { return a.destroyLab(ctx, rows[at]) }
		}
		if err := destroy(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, id)
	}
	return gone, errors.Join(errs...)
}

// endIfGone ends a session whose sandbox is gone, unless somebody is at work on
// it: they may be making another one.
func (a *App) endIfGone(ctx context.Context, id string) error {
	release, taken := a.work.tryClaim(id)
	if taken != nil {
		return nil
	}
	defer release()
	r, err := a.readLabRun(ctx, id)
	if err != nil || r.EndedAt != nil || r.SetupAt == nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, goneTime)
	defer cancel()
	if err := a.Labs.Engine.Alive(short, id); errors.Is(err, labs.ErrNotFound) {
		_, err = a.stopLost(ctx, id, sandboxGone)
		return err
	}
	return nil
}

// destroyed makes sure that nothing is left of an ended session, and notes it.
// How the session ended stays in its message.
func (a *App) destroyed(ctx context.Context, r postgres.LabRun) error {
	if err := a.destroyLab(ctx, r); err != nil {
		return err
	}
	_, err := a.changeLab(ctx, r.ID, "lab.destroyed", func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
		now := a.now()
		r.State, r.DestroyedAt = hub.Destroyed, &now
		return nil
	})
	return err
}
