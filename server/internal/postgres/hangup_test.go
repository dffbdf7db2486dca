package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// Whoever hangs up in the middle of a statement takes no connection with them:
// pgx closes one whose context ends, and a burst of those would empty the pool.
func TestHangingUpCostsNoConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	pool := db.Pool()
	gate, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig.Copy())
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close(context.Background())
	key := gate.PgConn().PID() // nobody else's
	shut := func(fn string) {
		if _, err := gate.Exec(t.Context(), `SELECT `+fn+`($1)`, key); err != nil {
			t.Fatal(err)
		}
	}
	n := int(pool.Config().MaxConns)
	// burst has a statement on every connection, each waiting at the gate when
	// its caller goes.
	burst := func() map[uint32]bool {
		shut("pg_advisory_lock")
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		var waiting, ended sync.WaitGroup
		var mu sync.Mutex
		pids := map[uint32]bool{}
		waiting.Add(n)
		for i := range n {
			run := db.Ask
			if i%2 == 0 {
				run = db.InTx
			}
			ended.Go(func() {
				err := run(ctx, func(ctx context.Context, tx postgres.Tx) error {
					waiting.Done()
					var pid uint32
					err := tx.QueryRow(ctx, `SELECT pg_backend_pid() FROM pg_advisory_xact_lock_shared($1)`, key).Scan(&pid)
					mu.Lock()
					defer mu.Unlock()
					pids[pid] = true
					return err
				})
				if err != nil {
					t.Errorf("a statement that had begun: %v", err)
				}
			})
		}
		waiting.Wait()
		hangUp()
		shut("pg_advisory_unlock")
		ended.Wait()
		return pids
	}
	before, made := burst(), pool.Stat().NewConnsCount()
	for range 5 {
		for pid := range burst() {
			if !before[pid] {
				t.Errorf("the connection %d is new", pid)
			}
		}
	}
	if n := pool.Stat().NewConnsCount() - made; n != 0 {
		t.Errorf("%d connections were made anew, of %d", n, len(before))
	}
}
