package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// takes is which courses somebody takes, and which version of each. It is
// never changed.
type takes struct {
	versions map[string]int    // by the course's id
	ids      map[string]string // by its slug
	mark     string            // the same, short; empty for nothing
	read     time.Time
}

func newTakes(versions map[string]int, ids map[string]string, now time.Time) takes {
	t := takes{versions: versions, ids: ids, read: now}
	if len(versions) == 0 {
		return t
	}
	sum := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(versions)) {
		fmt.Fprintf(sum, "%s %d\n", id, versions[id])
	}
	t.mark = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:15])
	return t
}

// takes is what the actor takes, as far as it can be known without asking each
// time: ok is false while nobody tells this process of changes.
func (a Actor) takes(ctx context.Context) (t takes, ok bool, err error) {
	k := &a.app.known
	if !k.told.Load() {
		return t, false, nil
	}
	now := a.app.now()
	if t, ok = k.takes(a.user.ID, now); ok {
		return t, true, nil
	}
	seen := k.generation()
	var (
		versions map[string]int
		ids      map[string]string
	)
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		versions, ids, err = tx.Takes(ctx, a.user.ID)
		return err
	})
	if err != nil {
		return t, false, err
	}
	t = newTakes(versions, ids, now)
	k.keepTakes(a.user.ID, t, seen)
	return t, true, nil
}

// View names what decides how the catalogue looks to the actor, beside what is
// published: whether they may read, and what they take. Whoever has the same
// view is shown the same. It is not to be had, and ok false, while nobody tells
// this process of changes; guests always have one.
func (a Actor) View(ctx context.Context) (view string, ok bool, err error) {
	if a.user.ID == "" {
		return "guest", true, nil
	}
	t, ok, err := a.takes(ctx)
	if !ok || err != nil {
		return "", false, err
	}
	return a.viewWith(t), true, nil
}

func (a Actor) viewWith(t takes) string {
	if a.mayRead(false) {
		return "reads " + t.mark
	}
	return "free " + t.mark
}

// Looking runs look, which reads the catalogue with the context that it is given,
// and returns the view that it had. View's may be another: what somebody takes can
// change between the two, and word of it comes later than the change.
func (a Actor) Looking(ctx context.Context, look func(context.Context)) (view string, err error) {
	if a.user.ID == "" {
		look(ctx)
		return "guest", nil
	}
	if _, err := a.app.cursorKey(ctx); err != nil { // or look would want a second connection for it
		return "", err
	}
	err = a.app.DB.Still(ctx, func(ctx context.Context, tx postgres.Tx) error {
		versions, ids, err := tx.Takes(ctx, a.user.ID)
		if err != nil {
			return err
		}
		view = a.viewWith(newTakes(versions, ids, a.app.now()))
		look(ctx)
		return nil
	})
	return view, err
}

// Lasts reports whether what was read at some time, and nothing was heard of
// since, may still be shown: for life, and a second where nobody tells.
func (a *App) Lasts(read time.Time, life time.Duration) bool {
	return a.known.lasts(read, a.now(), life)
}

// Time is what the app's clock shows.
func (a *App) Time() time.Time { return a.now() }
