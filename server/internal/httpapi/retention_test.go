package httpapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// What docs/operations.md says ends by itself does when its time has come, and
// not a minute before.
func TestWhatEndsByItself(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	u := profileOf(t, api.User(t, hub.Free))
	const day = 24 * time.Hour
	kinds := []struct {
		table, insert string // of an account, at a moment, by a name
		where         string // of those that were inserted so
		life          time.Duration
		left          int // of one that is a minute too old and one that isn't
	}{
		{"refresh_families", `INSERT INTO refresh_families (user_id, expires_at, client) VALUES ($1, $2, $3)`, `client LIKE 'aged%'`, 2 * day, 1},
		{"idempotency_keys", `INSERT INTO idempotency_keys (user_id, created_at, key, request) VALUES ($1, $2, $3, '')`, `key LIKE 'aged%'`, 2 * day, 1},
		{"account_tokens", `INSERT INTO account_tokens (user_id, expires_at, hash, purpose, email, created_at) VALUES ($1, $2, convert_to($3, 'UTF8'), 'verify', 'a@example.com', now())`, `true`, 2 * day, 1},
		{"device_grants", `INSERT INTO device_grants (user_id, expires_at, hash, user_code, client, created_at, pause) VALUES ($1, $2, convert_to($3, 'UTF8'), convert_to($3, 'UTF8'), '', now(), 5)`, `true`, 2 * day, 1},
		{"quotas", `INSERT INTO quotas (principal, touched_at) SELECT $3, $2 WHERE $1::uuid IS NOT NULL`, `principal LIKE 'aged%'`, 2 * time.Hour, 1},
		{"audit_log", `INSERT INTO audit_log (subject_id, at, action) VALUES ($1, $2, $3)`, `action LIKE 'aged%'`, 400 * day, 1},
		{"replayed_events", `INSERT INTO replayed_events (user_id, received_at, id, request, outcome) VALUES ($1, $2, md5($3)::uuid, '', '{}')`, `id IN (md5('aged old')::uuid, md5('aged young')::uuid)`, 90 * day, 1},
		// Of attempts at quizzes the ids stay.
		{"replayed_events", `INSERT INTO replayed_events (user_id, received_at, id, request, outcome) VALUES ($1, $2, md5('quiz ' || $3)::uuid, '', '{"quiz": {}}')`, `id IN (md5('quiz aged old')::uuid, md5('quiz aged young')::uuid)`, 90 * day, 2},
	}
	count := func(table, where string) (n int) {
		t.Helper()
		if err := api.App.DB.Pool().QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s`, table, where)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, k := range kinds {
		for name, age := range map[string]time.Duration{"aged old": k.life + time.Minute, "aged young": k.life - time.Minute} {
			err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
				_, err := tx.Exec(ctx, k.insert, u.ID, time.Now().Add(-age), name)
				return err
			})
			if err != nil {
				t.Fatalf("%s: %v", k.insert, err)
			}
		}
	}
	if err := api.App.ForgetOld(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if n := count(k.table, k.where); n != k.left {
			t.Errorf("of %s %d are left where %s, want %d", k.table, n, k.where, k.left)
		}
	}
	if n := count("replayed_events", `outcome ? 'quiz'`); n != 1 {
		t.Errorf("of attempts at quizzes %d are told still, want one", n)
	}
}
