package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// PoolStats is how the connections of a DB are used.
type PoolStats struct {
	InUse, Idle, Most int
	Waits             int64   // acquisitions that had to wait for a connection, ever
	WaitSeconds       float64 // how long all acquisitions took together
}

// PoolStats asks nobody.
func (db *DB) PoolStats() PoolStats {
	s := db.pool.Stat()
	return PoolStats{
		InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()), Most: int(s.MaxConns()),
		Waits: s.EmptyAcquireCount(), WaitSeconds: s.AcquireDuration().Seconds(),
	}
}

// CountJobs is how many jobs of the queue are in each state.
func (tx Tx) CountJobs(ctx context.Context) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT state::text, count(*) FROM river_job GROUP BY 1`)
	if err != nil {
		return nil, classify("job", err)
	}
	of := map[string]int{}
	var state string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error { of[state] = n; return nil })
	return of, classify("job", err)
}
