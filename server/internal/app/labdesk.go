package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// LabLearner returns the actor of whoever a running session belongs to, for what
// is asked from inside its sandbox. The caller lets nothing through that could
// reach beyond the session.
func (a *App) LabLearner(ctx context.Context, session string) (Actor, error) {
	r, err := a.readLabRun(ctx, session)
	if err == nil {
		err = a.stillRuns(r)
	}
	if err != nil {
		return Actor{}, err
	}
	u, err := a.UserByID(ctx, r.UserID)
	return a.As(u), err
}

// LabLanguage is the language of whoever the session belongs to, such as "de".
func (a *App) LabLanguage(ctx context.Context, session string) string {
	as, err := a.LabLearner(ctx, session)
	if err != nil {
		return ""
	}
	p, err := as.Preferences(ctx)
	if err != nil {
		return ""
	}
	return speaking(p).Language()
}

// keepDesk lets a running lab ask from inside, when an earlier process let it or
// the line broke.
func (a *App) keepDesk(ctx context.Context, r postgres.LabRun) error {
	if r.EndedAt != nil || r.SetupAt == nil || a.Labs.Engine.DeskKnown(r.ID) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellLimit)
	defer cancel()
	if err := a.Labs.Engine.KeepDesk(ctx, r.ID); err != nil && !errors.Is(err, labs.ErrNotFound) {
		return fmt.Errorf("let %s ask: %w", r.ID, err)
	}
	return nil // what is gone is the sweeper's business
}

// openDesk is keepDesk for a sandbox that was made just now: nobody waits for it.
func (a *App) openDesk(ctx context.Context, r postgres.LabRun) {
	if a.Labs.Engine.Desk == nil {
		return
	}
	go func() {
		if err := a.keepDesk(ctx, r); err != nil {
			a.Log.WarnContext(ctx, "the lab can't ask yet", "session", r.ID, "err", err)
		}
	}()
}
