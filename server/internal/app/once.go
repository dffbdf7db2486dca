package app

import (
	"bytes"
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	keyAbandoned = 3 * time.Minute // longer than any request runs
	keepAnswers  = 48 * time.Hour
)

// FirstTime reports, with nil, that the actor has not made this request before
// under this Idempotency-Key, and takes the key until Answered. Otherwise it
// returns the answer that was kept.
func (a Actor) FirstTime(ctx context.Context, key string, request []byte) ([]byte, error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	var k *postgres.KeptAnswer
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		now := a.app.now()
		k, err = tx.TakeKey(ctx, a.user.ID, key, request, now, now.Add(-keyAbandoned))
		return err
	})
	switch {
	case err != nil || k == nil:
		return nil, err
	case !bytes.Equal(k.Request, request):
		return nil, hub.Unfit([]hub.FieldError{hub.Field("", "This Idempotency-Key was used for another request.")})
	case k.Status == nil:
		return nil, &hub.Error{Code: hub.Conflict, Message: "The first request with this Idempotency-Key is still running.", RetryAfter: time.Second}
	}
	return k.Body, nil
}

// Answered keeps the answer to a request, or frees its key when answer is nil.
// It must happen even when the caller has hung up.
func (a Actor) Answered(ctx context.Context, key string, status int, answer []byte) error {
	return a.app.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx postgres.Tx) error {
		return tx.KeepAnswer(ctx, a.user.ID, key, status, answer)
	})
}

// ForgetOld removes ended sign-ins, answers and outcomes nobody will ask for
// again, and drafts that were left behind.
func (a *App) ForgetOld(ctx context.Context) error {
	// By itself: who comes back just then waits for it, and with them everybody
	// who takes from their quota.
	if err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error {
		return tx.ForgetQuotas(ctx, a.now().Add(-2*QuotaSpan))
	}); err != nil {
		return err
	}
	return a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if err := tx.ForgetOld(ctx, a.now().Add(-keepAnswers), a.now().Add(-auditLife)); err != nil {
			return err
		}
		if err := tx.ForgetOutcomes(ctx, a.now().Add(-keepOutcomes)); err != nil {
			return err
		}
		return a.forgetDrafts(ctx, tx)
	})
}
