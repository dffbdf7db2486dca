// Package postgres stores the hub in PostgreSQL. It turns rows into hub types
// and driver errors into hub errors; nothing above it sees SQL or pgx errors.
// Who may do what is decided above, in app.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloudmastershub/cmh/client/hub"
)

// statementGrace bounds a transaction whose request has gone away. A cancelled
// context would make pgx close the connection, and a burst of hang-ups would
// empty the pool.
const statementGrace = 5 * time.Second

// DB is a pool of connections. It is safe for concurrent use.
type DB struct{ pool *pgxpool.Pool }

// New wraps pool, which the caller closes.
func New(pool *pgxpool.Pool) *DB { return &DB{pool} }

// Pool is the pool behind db, for the job queue.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return classify("database", db.pool.Ping(ctx)) }

// Tx is one transaction. Every query is a method on Tx, so a caller decides
// what happens together without the store guessing.
type Tx struct{ pgx.Tx }

// InTx runs fn in a transaction and commits if it returns nil. Once begun, the
// transaction does not end with ctx but within a few seconds of its own.
func (db *DB) InTx(ctx context.Context, fn func(context.Context, Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementGrace)
	defer cancel()
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return fn(ctx, Tx{tx}) })
	return classify("database", err)
}

// classify gives a pgx error the meaning the rest of the program understands.
// what names the thing, as a person would: "course", "lab". An error that is
// classified already passes unchanged.
func classify(what string, err error) error {
	var (
		known *hub.Error
		pg    *pgconn.PgError
		conn  *pgconn.ConnectError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, pgx.ErrNoRows),
		errors.As(err, &pg) && pg.Code == "22P02": // an id that can't be one
		return hub.Errorf(hub.NotFound, "There is no such %s.", hub.Word(what))
	case errors.As(err, &pg) && pg.Code == "23505": // unique_violation
		return hub.Wrap(err, hub.Conflict, "That %s already exists.", hub.Word(what))
	case errors.As(err, &pg) && (pg.Code == "53100" || strings.HasPrefix(pg.Code, "57") || strings.HasPrefix(pg.Code, "08") || pg.Code == "53300"),
		errors.As(err, &conn), pgconn.Timeout(err), pgconn.SafeToRetry(err), lost(err):
		// disk full, shutting down, connection lost, too many connections
		return &hub.Error{
			Code: hub.Unavailable, Message: "The database is not available right now. Please try again.",
			RetryAfter: 2 * time.Second, Err: err,
		}
	}
	return fmt.Errorf("postgres: %s: %w", what, err)
}

// lost reports whether err is a connection that broke, as when the server is
// killed: nobody knows whether the statement happened.
func lost(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded)
}
