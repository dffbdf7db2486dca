// Package pgtest gives a test its own empty, migrated schema in a real
// PostgreSQL.
package pgtest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Open returns a database that disappears with the test. The session time zone
// is one that breaks code which assumes UTC. Each change is made to its connections
// before.
func Open(t testing.TB, changes ...func(*pgxpool.Config)) *postgres.DB {
	t.Helper()
	url := os.Getenv("CMH_TEST_DATABASE_URL")
	if url == "" {
		t.Fatal("CMH_TEST_DATABASE_URL is not set: run the tests with `make test`, which starts a PostgreSQL for them")
	}
	name := "t_" + strings.ToLower(rand.Text())
	schema := pgx.Identifier{name}.Sanitize()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 6
	cfg.ConnConfig.RuntimeParams["search_path"] = name
	cfg.ConnConfig.RuntimeParams["timezone"] = "Canada/Newfoundland"
	for _, change := range changes {
		change(cfg)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		pool.Close()
	})
	db := postgres.New(pool)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
