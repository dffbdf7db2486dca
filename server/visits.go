package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// errChanged ends the visit of somebody who may do other things by now.
var errChanged = errors.New("account or key changed")

// visitsLook is how soon an open visit notices that its account has changed.
const visitsLook = 15 * time.Second

// visits are those to the lobby that are open. They are looked after together, as
// the gateway looks after its connections: a question of the database for each would
// be most of what it costs that somebody has a page before them.
type visits struct {
	app *app.App
	log *slog.Logger

	mu   sync.Mutex
	open map[*visit]struct{}
}

type visit struct {
	who  gateway.Identity
	user hub.User
	end  context.CancelCauseFunc
}

// watch has a visit ended when its account is disabled, has another role, or has
// lost the key that the visitor showed; until the end of ctx.
func (v *visits) watch(ctx context.Context, end context.CancelCauseFunc, who gateway.Identity, user hub.User) {
	this := &visit{who, user, end}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[*visit]struct{}{}
	}
	v.open[this] = struct{}{}
	context.AfterFunc(ctx, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.open, this)
	})
}

// run looks after them until ctx is done.
func (v *visits) run(ctx context.Context) error {
	tick := time.NewTicker(visitsLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			v.look(ctx)
		}
	}
}

// look ends what has to end. A database that is away changes nobody's rights.
func (v *visits) look(ctx context.Context) {
	v.mu.Lock()
	open := slices.Collect(maps.Keys(v.open))
	v.mu.Unlock()
	if len(open) == 0 {
		return
	}
	who := make([]gateway.Identity, len(open))
	for i, o := range open {
		who[i] = o.who
	}
	now, err := usersNow(ctx, v.app, who)
	if err != nil {
		return
	}
	for _, o := range open {
		u := now[o.who]
		if u.ID != o.user.ID || u.Role != o.user.Role {
			v.log.InfoContext(ctx, "ssh visit ended: the account or its key has changed", "user", o.user.ID)
			o.end(errChanged)
		}
	}
}
