package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	deletionGrace = 14 * 24 * time.Hour
	freshSignIn   = 10 * time.Minute
	deletions     = 100 // in one go of the job
	auditLife     = 400 * 24 * time.Hour
	exportFormat  = "cmh-export-1"
)

// Export returns everything the hub keeps about the actor.
func (a Actor) Export(ctx context.Context) (hub.Export, error) {
	if err := a.signedIn(); err != nil {
		return hub.Export{}, err
	}
	if err := a.app.accounts.guesses.begin(attempt{"export " + a.user.ID, a.source}, a.app.now()); err != nil {
		return hub.Export{}, tooMany(err)
	}
	e := hub.Export{Format: exportFormat, ExportedAt: a.app.now().UTC(), Data: map[string]json.RawMessage{}, Withheld: map[string]string{}}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if err := tx.Audit(ctx, a.user.ID, a.user.ID, "account.exported", nil); err != nil {
			return err
		}
		for _, h := range postgres.Holdings {
			rows, err := tx.Export(ctx, h, a.user.ID)
			if err != nil {
				return err
			}
			e.Data[h.Table] = rows
			for column, why := range h.Hides {
				e.Withheld[h.Table+"."+column] = why
			}
		}
		return a.app.mail(ctx, tx, "export", a.user.ID)
	})
	if err != nil {
		return hub.Export{}, err
	}
	return e, nil
}

// DeleteAccount closes the actor's account and lets it go after a while. Signing
// in meanwhile keeps it.
func (a Actor) DeleteAccount(ctx context.Context, d hub.Deletion) (hub.DeletionDate, error) {
	if err := a.signedIn(); err != nil {
		return hub.DeletionDate{}, err
	}
	now := a.app.now()
	if fresh, err := a.justSignedIn(ctx); err != nil {
		return hub.DeletionDate{}, err
	} else if !fresh || d.Password != "" {
		if err := a.confirm(ctx, d.Password); err != nil {
			return hub.DeletionDate{}, err
		}
	}
	at := now.Add(a.app.grace())
	var ended []string
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if err := tx.RequestDeletion(ctx, a.user.ID, now, at); err != nil {
			return err
		}
		if err := tx.Audit(ctx, a.user.ID, a.user.ID, "account.deletion_requested", nil); err != nil {
			return err
		}
		if err := a.app.mail(ctx, tx, "deletion", a.user.ID); err != nil {
			return err
		}
		ended, err = a.app.endSessions(ctx, tx, a.user.ID, a.user.ID, "", "")
		return err
	})
	a.app.forgetAll(ended)
	return hub.DeletionDate{DeleteAt: at.UTC()}, err
}

func (a *App) grace() time.Duration {
	if a.DeletionGrace == 0 {
		return deletionGrace
	}
	return a.DeletionGrace
}

// justSignedIn reports whether the sign-in that asks is minutes old: whoever it
// is has just proven who they are.
func (a Actor) justSignedIn(ctx context.Context) (bool, error) {
	if a.family == "" {
		return false, nil
	}
	var began time.Time
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		began, err = tx.FamilyBegan(ctx, a.family)
		return err
	})
	return err == nil && a.app.now().Sub(began) < freshSignIn, err
}

// keep opens an account again whose owner has come back before it went.
func (a *App) keep(ctx context.Context, tx postgres.Tx, userID string) error {
	kept, err := tx.KeepAccount(ctx, userID, a.now())
	if err != nil || !kept {
		return err
	}
	return tx.Audit(ctx, userID, userID, "account.deletion_cancelled", nil)
}

// DeleteAccounts removes the accounts whose time has come, each in a transaction
// of its own that also makes sure that nothing is left. What runs of their labs
// is swept away as everything is that no row owns.
func (a *App) DeleteAccounts(ctx context.Context) error {
	var due []string
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		due, err = tx.DueDeletions(ctx, a.now(), deletions)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range due {
		err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
			if err := tx.DeleteAccount(ctx, id, a.now()); err != nil {
				return err
			}
			return tx.Audit(ctx, "", id, "account.deleted", nil)
		})
		if err != nil && hub.CodeOf(err) != hub.NotFound {
			failed = append(failed, fmt.Errorf("delete account %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}
