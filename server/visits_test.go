package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// Whose account is disabled or of another role, and who has lost their key, has no
// visit any more, whatever it began with. Everybody else stays.
func TestVisitsEndWithTheirRights(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	v := &visits{app: &app.App{DB: db}, log: slog.New(slog.DiscardHandler)}
	type rights struct {
		name  string
		takes func(ctx context.Context, tx postgres.Tx, id string) error
		ends  bool
	}
	for _, r := range []rights{
		{"stays", func(context.Context, postgres.Tx, string) error { return nil }, false},
		{"disabled", func(ctx context.Context, tx postgres.Tx, id string) error {
			_, err := tx.Suspend(ctx, id, time.Now())
			return err
		}, true},
		{"promoted", func(ctx context.Context, tx postgres.Tx, id string) error { return tx.SetRole(ctx, id, hub.Premium) }, true},
		{"keyless", func(ctx context.Context, tx postgres.Tx, id string) error { return tx.RemoveKeys(ctx, id) }, true},
	} {
		var u hub.User
		if err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) (err error) {
			if u, err = tx.CreateUser(ctx, r.name+"@example.com", r.name, "x"); err == nil {
				_, err = tx.AddKey(ctx, u.ID, hub.Key{Name: "k", Type: "ssh-ed25519", Fingerprint: "SHA256:" + r.name}, r.name)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		here := map[string]context.Context{}
		key, certificate := gateway.Identity{Fingerprint: "SHA256:" + r.name}, gateway.Identity{UserID: u.ID, Fingerprint: "SHA256:other"}
		for how, who := range map[string]gateway.Identity{"by key": key, "by certificate": certificate} {
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			v.watch(ctx, end, who, u)
			here[how] = ctx
		}
		v.look(t.Context())
		for how, ctx := range here {
			if ctx.Err() != nil {
				t.Errorf("%s, %s: ended before anything has changed: %v", r.name, how, context.Cause(ctx))
			}
		}
		if err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error { return r.takes(ctx, tx, u.ID) }); err != nil {
			t.Fatal(err)
		}
		v.look(t.Context())
		for how, ctx := range here {
			if want := r.ends && (r.name != "keyless" || how == "by key"); errors.Is(context.Cause(ctx), errChanged) != want {
				t.Errorf("%s, %s: %v, want ended %v", r.name, how, context.Cause(ctx), want)
			}
		}
		// The gateway's connections go by the same, but for the role.
		want := map[gateway.Identity]string{key: u.ID, certificate: u.ID}
		switch r.name {
		case "disabled":
			want = map[gateway.Identity]string{}
		case "keyless":
			delete(want, key)
		}
		stranger := gateway.Identity{Fingerprint: "SHA256:nobody's"}
		users, err := sandboxes{v.app, v.log}.Users(t.Context(), []gateway.Identity{key, stranger, certificate})
		if err != nil || !maps.Equal(users, want) {
			t.Errorf("%s: whose they are: %v %v, want %v", r.name, users, err, want)
		}
	}
}
