package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	watchPulse = 2 * time.Second // how often a silent connection is tried
	watchRetry = 500 * time.Millisecond
)

// A Watcher hears what other servers change.
type Watcher interface {
	// Listening says whether everything that changes from now on will be told.
	// When it begins to, anything may have changed before.
	Listening(bool)
	// Changed tells what kind of thing has changed, and which.
	Changed(kind, id string)
}

// Watch tells w of changes until ctx is done, over a connection of its own. It
// comes back by itself when that is lost, and notices within seconds that it is.
func (db *DB) Watch(ctx context.Context, w Watcher) error {
	for ctx.Err() == nil {
		_ = db.watchOnce(ctx, w) // the pool's users tell of a database that is away
		w.Listening(false)
		select {
		case <-ctx.Done():
		case <-time.After(watchRetry):
		}
	}
	return nil
}

func (db *DB) watchOnce(ctx context.Context, w Watcher) error {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig.Copy())
	if err != nil {
		return classify("database", err)
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(grace)
	}()
	var schema string
	if err := conn.QueryRow(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return classify("database", err)
	}
	if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{"cmh_" + schema}.Sanitize()); err != nil {
		return classify("database", err)
	}
	w.Listening(true)
	for {
		pulse, cancel := context.WithTimeout(ctx, watchPulse)
		n, err := conn.WaitForNotification(pulse)
		cancel()
		switch {
		case err == nil:
			kind, id, _ := strings.Cut(n.Payload, " ")
			w.Changed(kind, id)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			ping, cancel := context.WithTimeout(ctx, watchPulse/2)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				return classify("database", err)
			}
		default:
			return classify("database", err)
		}
	}
}

// Tell tells every server's Watcher, this one's included.
func (tx Tx) Tell(ctx context.Context, kind, id string) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify('cmh_' || current_schema(), $1)`, kind+" "+id)
	return classify("database", err)
}
