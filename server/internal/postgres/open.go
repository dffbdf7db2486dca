package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// An Option is something that connections need not have.
type Option func(*pgxpool.Config)

// Open prepares connections to the database at url, and does not wait for it:
// it may come later. They outlive ctx; Close ends them.
func Open(ctx context.Context, url string, with ...Option) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil { // which holds the password
		return nil, errors.New("CMH_DATABASE_URL cannot be read: it must look like postgres://user:password@host/database")
	}
	cfg.MaxConns = max(cfg.MaxConns, 20)
	cfg.ConnConfig.ConnectTimeout = 3 * time.Second
	cfg.ConnConfig.RuntimeParams["application_name"] = "cmh-server"
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	for _, o := range with {
		o(cfg)
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return nil, err
	}
	return New(pool), nil
}

// Close waits for what is running and ends the connections.
func (db *DB) Close() { db.pool.Close() }
