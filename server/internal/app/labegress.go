package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/egress"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// keepOut opens the way out of a running lab again, when an earlier process
// opened it or it was cut.
func (a *App) keepOut(ctx context.Context, r postgres.LabRun) error {
	if r.EndedAt != nil || r.SetupAt == nil || a.Labs.Engine.OutKnown(r.ID) {
		return nil
	}
	release, taken := a.work.tryClaim(r.ID)
	if taken != nil {
		return nil
	}
	defer release()
	sc, _, err := a.scenario(ctx, r)
	if err == nil {
		err = a.Labs.Engine.KeepOut(ctx, r.ID, sc)
	}
	if err == nil || errors.Is(err, labs.ErrNotFound) || errors.Is(err, egress.ErrClosed) {
		return nil // the sweeper's business, or the operator's will
	}
	return fmt.Errorf("open the way out of %s: %w", r.ID, err)
}
