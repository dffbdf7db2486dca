package jobs_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/labstest"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/jobs"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 9000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatalf("never: %s", what)
}

// The workers adopt this machine's labs at once and forget old answers; they
// end when they are told to, and nothing of them stays.
func TestRun(t *testing.T) {
	db := pgtest.Open(t)
	driver := labstest.New(t)
	a := &app.App{
		DB: db, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Labs: app.LabConfig{Engine: &labs.Engine{Driver: driver}, Driver: "test", Node: "here"},
	}
	if err := driver.Create(t.Context(), labs.Spec{ID: "s-nobodysone"}); err != nil {
		t.Fatal(err)
	}
	insert := func(sql string) {
		t.Helper()
		err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(`INSERT INTO users (email, username, password_hash) VALUES ('a@example.com', 'ada', 'x')`)
	insert(`INSERT INTO idempotency_keys (user_id, key, request, created_at) SELECT id, 'old', '', now() - interval '9 days' FROM users`)
	count := func() (n int) {
		err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*) FROM idempotency_keys`).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	j, err := jobs.New(a, a.Log, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- j.Run(ctx) }()
	eventually(t, "the sandbox that nobody owns is destroyed", func() bool {
		ids, err := driver.List(t.Context())
		return err == nil && len(ids) == 0
	})
	eventually(t, "old answers are forgotten", func() bool { return count() == 0 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}
