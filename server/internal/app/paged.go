package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// defaultPage is how many items a page has when nobody says.
const defaultPage = 30

// limit checks how many items are asked for, and fills in what is left open.
func (w *wrongs) limit(p *hub.Paging) {
	if p.Limit < 0 || p.Limit > 100 {
		w.add("/limit", "The limit is from 1 to 100.")
	}
	if p.Limit == 0 {
		p.Limit = defaultPage
	}
}

// paged reads one page of the list that list describes, from cursor on. read
// gets the place where it begins, nil for the first, and returns where the next
// page does, nil for nowhere. The cursor of that is returned.
func paged[K any](ctx context.Context, a *App, list any, cursor string, read func(ctx context.Context, tx postgres.Tx, after *K) (*K, error)) (string, error) {
	key, err := a.cursorKey(ctx)
	if err != nil {
		return "", err
	}
	var after, next *K
	if cursor != "" {
		after = new(K)
		if err := key.open(list, cursor, after); err != nil {
			return "", err
		}
	}
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		next, err = read(ctx, tx, after)
		return err
	})
	if err != nil || next == nil {
		return "", err
	}
	return key.seal(list, next), nil
}
