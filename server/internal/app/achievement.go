package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Achievements returns what the actor has achieved and how long they have
// learned day after day. It follows from their progress; nothing counts twice.
func (a Actor) Achievements(ctx context.Context) (w hub.Achievements, err error) {
	if err := a.signedIn(); err != nil {
		return w, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		u, err := tx.User(ctx, a.user.ID)
		if err != nil {
			return err
		}
		deeds, err := tx.Deeds(ctx, a.user.ID)
		if err != nil {
			return err
		}
		kept, err := tx.Earned(ctx, a.user.ID)
		if err != nil {
			return err
		}
		w = withKept(weigh(deeds, zoneOf(u.Profile.Timezone), a.app.now()), kept)
		return nil
	})
	return w, err
}

// honour gives a learner what they have earned by now, in the transaction that
// earned it and at its end: certificates of these courses, if they are
// completed, and achievements. It takes turns with every other of the learner's, so that of
// two devices that each do half of something one sees the whole.
func (a *App) honour(ctx context.Context, tx postgres.Tx, userID string, courseIDs ...string) error {
	if err := tx.LockMerits(ctx, userID); err != nil {
		return err
	}
	u, err := tx.User(ctx, userID)
	if err != nil {
		return err
	}
	for _, id := range courseIDs {
		if err := a.award(ctx, tx, u, id); err != nil {
			return err
		}
	}
	deeds, err := tx.Deeds(ctx, userID)
	if err != nil {
		return err
	}
	var earned []hub.Achievement
	for _, e := range weigh(deeds, zoneOf(u.Profile.Timezone), a.now()).Achievements {
		if e.EarnedAt != nil {
			earned = append(earned, e)
		}
	}
	fresh, err := tx.Earn(ctx, userID, earned)
	if err != nil {
		return err
	}
	for _, id := range fresh {
		if err := tx.Event(ctx, userID, "achievement.earned", map[string]string{"achievement": id}); err != nil {
			return err
		}
	}
	return nil
}
