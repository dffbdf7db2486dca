package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Ask runs fn's one statement without a transaction around it: one trip to the
// database instead of three. A second statement would see, and leave, a world
// of its own, so it is refused.
func (db *DB) Ask(ctx context.Context, fn func(context.Context, Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if tx, ok := ctx.Value(still{}).(Tx); ok {
		return classify("database", fn(ctx, tx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementGrace)
	defer cancel()
	err := db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return fn(ctx, Tx{&alone{conn: c}}) })
	return classify("database", err)
}

// still is where a context keeps the transaction that Still began.
type still struct{}

// Still runs fn in a transaction that sees the database as it was at one moment,
// and changes nothing. Whatever asks with the context given to fn sees it so too.
func (db *DB) Still(ctx context.Context, fn func(context.Context, Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementGrace)
	defer cancel()
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.pool, moment, func(tx pgx.Tx) error {
		return fn(context.WithValue(ctx, still{}, Tx{tx}), Tx{tx})
	})
	return classify("database", err)
}

// alone is one statement in place of a transaction. The embedded Tx is nil:
// there is nothing to commit.
type alone struct {
	pgx.Tx
	conn  *pgxpool.Conn
	asked bool
}

func (a *alone) once() {
	if a.asked {
		panic("postgres: Ask is for one statement")
	}
	a.asked = true
}

func (a *alone) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	a.once()
	return a.conn.Exec(ctx, sql, args...)
}

func (a *alone) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	a.once()
	return a.conn.Query(ctx, sql, args...)
}

func (a *alone) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	a.once()
	return a.conn.QueryRow(ctx, sql, args...)
}
