package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/egress"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

const (
	provisionTime  = time.Minute           // to make a sandbox and begin its set-up
	patience       = time.Second           // how long a start waits for set-up to end
	pollSetup      = 20 * time.Millisecond // how often it looks
	destroyTime    = 15 * time.Second      // to remove a sandbox
	setupLimit     = 15 * time.Minute      // for set-up; then it is nobody's business any more
	stillSettingUp = "Set-up is still running."
	setupOverran   = "Set-up has not ended within 15 minutes. It goes on; the lab may work all the same."
	setupFailed    = "Set-up reported an error. The lab may work all the same."
)

var _ = [...]string{words.Kept(stillSettingUp), words.Kept(setupOverran), words.Kept(setupFailed), words.Kept(sandboxGone), words.Heard("labs may not reach %s")}

// provision makes the sandbox of a new session and waits a moment for its
// set-up. It goes on when whoever asked has hung up; should this process end
// too, the next one finds the row and calls it again.
func (a *App) provision(ctx context.Context, id string) (postgres.LabRun, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), provisionTime)
	defer cancel()
	release, err := a.work.claim(ctx, id)
	if err != nil {
		return postgres.LabRun{}, hub.Wrap(err, hub.Unavailable, "The lab could not be started in time. Please try again.")
	}
	defer release()
	r, err := a.readLabRun(ctx, id)
	if err != nil || r.State != hub.Provisioning {
		return r, err
	}
	if r.SetupAt == nil {
		if r, err = a.makeSandbox(ctx, r); err != nil {
			return r, err
		}
	}
	if r, err = a.replay(ctx, r); err != nil {
		return r, err
	}
	return a.awaitSetup(ctx, r)
}

func (a *App) readLabRun(ctx context.Context, id string) (r postgres.LabRun, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err = tx.LabRun(ctx, id)
		return err
	})
	return r, err
}

func (a *App) makeSandbox(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
	sc, assets, err := a.scenario(ctx, r)
	if err == nil {
		err = a.begin(ctx, r, sc, assets)
	}
	if err != nil {
		return a.giveUp(ctx, r, startFailure(err))
	}
	a.tellTime(ctx, r)
	r, err = a.changeLab(ctx, r.ID, "", func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
		if r.EndedAt == nil {
			now := a.now()
			r.SetupAt = &now
		}
		return nil
	})
	if err == nil && r.EndedAt != nil { // it was stopped while it was made
		err = a.destroyLab(ctx, r)
	} else if err == nil {
		a.openDesk(ctx, r)
	}
	return r, err
}

// startFailure is what the learner is told about err.
func startFailure(err error) *hub.Error {
	e := &hub.Error{Code: hub.Unavailable, Err: err, Message: words.Kept("The lab could not be started. Please try again.")}
	switch {
	case errors.Is(err, labs.ErrCapacity):
		e.Message = words.Kept("All machines for labs are busy. Please try again in half a minute.")
		e.RetryAfter = 30 * time.Second
	case errors.Is(err, labs.ErrNoImage):
		e.Message = words.Kept("The lab could not be started: its image is not installed here. Whoever runs this server can install it; the server's log says how.")
	case errors.Is(err, labs.ErrAlone):
		e.Message = words.Kept("The lab could not be started: it is several machines, and they can't be joined here.")
	case errors.Is(err, egress.ErrClosed):
		e.Message = words.Kept("The lab could not be started: %s from this installation.", err)
	}
	return e
}

// giveUp ends a session that could not be made, and returns why.
func (a *App) giveUp(ctx context.Context, r postgres.LabRun, why *hub.Error) (postgres.LabRun, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime) // the time of the start may be up
	defer cancel()
	r, err := a.stopLost(ctx, r.ID, why.Message)
	if err != nil {
		a.Log.ErrorContext(ctx, "failed lab session not ended yet", "session", r.ID, "err", err)
	}
	return r, why
}

// stopLost ends a session that nobody asked to end.
func (a *App) stopLost(ctx context.Context, id, message string) (postgres.LabRun, error) {
	r, err := a.changeLab(ctx, id, "lab.stopped", func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
		now := a.now()
		switch {
		case r.EndedAt != nil:
		case !r.ExpiresAt.After(now): // a sandbox whose time is up ends by itself
			r.State, r.Message, r.EndedAt = hub.Expired, timeIsUp, &r.ExpiresAt
		default:
			r.State, r.Message, r.EndedAt = hub.Stopped, message, &now
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	return r, a.destroyLab(ctx, r)
}

// awaitSetup settles r as soon as its set-up has ended, or gives it back
// unsettled when that takes long.
func (a *App) awaitSetup(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollSetup)
	defer tick.Stop()
	for r.State == hub.Provisioning {
		var err error
		if r, err = a.settle(ctx, r); err != nil {
			return r, err
		}
		select {
		case <-tick.C:
		case <-short.Done():
			return r, nil
		}
	}
	return r, nil
}

// settle moves a session on when its set-up has ended or has had its time: then
// its first step is opened and the session is ready. The caller has claimed it.
func (a *App) settle(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
	preparing := r.State == hub.Provisioning && r.SetupAt != nil
	lingering := r.EndedAt == nil && isLingering(r)
	if !preparing && !lingering {
		return r, nil
	}
	if preparing {
		if l, err := a.labReturn(ctx, r.ID); err != nil || r.Step < l.Goto {
			return r, err // on its way: see replay
		}
	}
	setup, err := a.Labs.Engine.Setup(ctx, r.ID, 0)
	if err != nil {
		return a.unreachable(ctx, r, err)
	}
	ago := a.now().Sub(*r.SetupAt)
	overran := setup.Running && ago >= setupLimit
	if !setup.Settled(ago) || lingering && setup.Running && (!overran || r.Message == setupOverran) {
		return r, nil
	}
	if preparing && r.Step > 0 && r.Marks[r.Step-1].OpenedAt == nil {
		sc, _, err := a.scenario(ctx, r)
		if err != nil {
			return r, err
		}
		if err := a.Labs.Engine.OpenStep(ctx, r.ID, sc, r.Step); err != nil {
			return a.unreachable(ctx, r, err)
		}
	}
	event := ""
	switch {
	case preparing:
		event = "lab.ready"
	case overran:
		event = "lab.setup_overran"
		a.Log.WarnContext(ctx, "set-up has not ended in its time", "session", r.ID, "lab", r.LabID, "version", r.Version)
	}
	return a.changeLab(ctx, r.ID, event, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
		if r.EndedAt != nil {
			return nil
		}
		switch {
		case overran:
			r.Message = setupOverran
		case setup.Running:
			r.Message = stillSettingUp
		case setup.Failed:
			r.Message = setupFailed
		default:
			r.Message = ""
		}
		if r.State != hub.Provisioning {
			return nil
		}
		r.State = hub.Ready
		if err := tx.EndLabReturn(ctx, r.ID); err != nil {
			return err
		}
		return a.opened(ctx, tx, r)
	})
}

// opened notes that the set-up of the current step has begun.
func (a *App) opened(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
	if r.Step == 0 || r.Marks[r.Step-1].OpenedAt != nil {
		return nil
	}
	now := a.now()
	r.Marks[r.Step-1].OpenedAt = &now
	return tx.SaveLabStep(ctx, *r, r.Step, now)
}

// settleIfFree settles r unless somebody is at work on it, who will.
func (a *App) settleIfFree(ctx context.Context, r postgres.LabRun) (postgres.LabRun, error) {
	if r.EndedAt != nil || !unsettled(r) || r.Node != a.Labs.Node {
		return r, nil
	}
	release, taken := a.work.tryClaim(r.ID)
	if taken != nil {
		return r, nil
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime) // half a move is worse than a late one
	defer cancel()
	r, err := a.readLabRun(ctx, r.ID)
	if err != nil {
		return r, err
	}
	settled, err := a.settle(ctx, r)
	if err != nil && hub.CodeOf(err) == hub.Unavailable { // the session can be told of; the sandbox is for the next look
		a.Log.WarnContext(ctx, "set-up not asked after", "session", r.ID, "err", err)
		return r, nil
	}
	return settled, err
}

// unsettled says whether r's set-up may still be at work.
func unsettled(r postgres.LabRun) bool {
	return r.State == hub.Provisioning || isLingering(r)
}

// isLingering reports whether r was ready before its set-up had ended.
func isLingering(r postgres.LabRun) bool {
	return r.Message == stillSettingUp || r.Message == setupOverran
}

const sandboxGone = "Its sandbox is gone: the machine it ran on has restarted or lost it."

// unreachable decides what it means that a sandbox gave no answer: one that no
// longer exists ends its session.
func (a *App) unreachable(ctx context.Context, r postgres.LabRun, err error) (postgres.LabRun, error) {
	if !errors.Is(err, labs.ErrNotFound) {
		return r, hub.Wrap(err, hub.Unavailable, "The sandbox does not answer. Please try again.")
	}
	r, stopErr := a.stopLost(ctx, r.ID, sandboxGone)
	if stopErr != nil {
		return r, stopErr
	}
	return r, a.stillRuns(r)
}

// destroyLab removes the sandbox of an ended session, for as long as that may
// take even when whoever asked has gone.
func (a *App) destroyLab(ctx context.Context, r postgres.LabRun) error {
	if r.Node != a.Labs.Node || a.Labs.Engine == nil {
		return nil // its own node does it
	}
	a.keepEnd(context.WithoutCancel(ctx), r.ID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime)
	defer cancel()
	if err := a.Labs.Engine.Destroy(ctx, r.ID); err != nil {
		return fmt.Errorf("destroy sandbox %s: %w", r.ID, err)
	}
	return nil
}
