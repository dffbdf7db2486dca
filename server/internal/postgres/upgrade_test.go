package postgres_test

import (
	"context"
	"crypto/rand"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// freshDatabase is one of its own, and not a schema: a dump names the schema it
// was in.
func freshDatabase(t *testing.T) *url.URL {
	t.Helper()
	base := os.Getenv("CMH_TEST_DATABASE_URL")
	if base == "" {
		t.Fatal("CMH_TEST_DATABASE_URL is not set: run the tests with `make test`, which starts a PostgreSQL for them")
	}
	name := "upgrade_" + strings.ToLower(rand.Text())
	exec := func(ctx context.Context, sql string) {
		t.Helper()
		c, err := pgx.Connect(ctx, base)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(ctx)
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(t.Context(), "CREATE DATABASE "+name)
	t.Cleanup(func() { exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u
}

// sums tells of each table how many rows it has and what they sum up to, in the
// columns that it has now; or, given earlier sums, in those that it had then. What a
// search reads is made of the rest, and may be made anew.
func sums(t *testing.T, c *pgx.Conn, then map[string]table) map[string]table {
	t.Helper()
	rows, err := c.Query(t.Context(), `
		SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'river\_%' AND table_name <> 'goose_db_version' AND data_type <> 'tsvector' GROUP BY table_name`)
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]table{}
	var name, columns string
	if _, err := pgx.ForEachRow(rows, []any{&name, &columns}, func() error { now[name] = table{columns: columns}; return nil }); err != nil {
		t.Fatal(err)
	}
	if then != nil {
		now = maps.Clone(then)
	}
	for name, tb := range now {
		err := c.QueryRow(t.Context(), `SELECT count(*), coalesce(md5(string_agg(r, E'\n' ORDER BY r)), '') FROM (SELECT ROW(`+tb.columns+`)::text AS r FROM `+pgx.Identifier{"public", name}.Sanitize()+`) rows`).
			Scan(&tb.rows, &tb.sum)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		now[name] = tb
	}
	return now
}

type table struct {
	columns, sum string
	rows         int
}

// The database of every release is brought up to date, and each row that was in
// it is there, as it was.
func TestReleasedDatabasesMigrate(t *testing.T) {
	t.Parallel()
	dumps, err := filepath.Glob("testdata/released/*.sql")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("%v, %v", dumps, err)
	}
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			t.Parallel()
			at := freshDatabase(t)
			c, err := pgx.Connect(t.Context(), at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			sql, err := os.ReadFile(dump)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exec(t.Context(), string(sql)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exec(t.Context(), `RESET ALL`); err != nil {
				t.Fatal(err)
			}
			was := sums(t, c, nil)
			filled := 0
			for _, tb := range was {
				if tb.rows > 0 {
					filled++
				}
			}
			if filled < 15 {
				t.Fatalf("only %d tables have rows: nothing is tested", filled)
			}
			db, err := postgres.Open(t.Context(), at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for range 2 { // a second time there is nothing to do
				if err := db.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for name, tb := range sums(t, c, was) {
				if tb != was[name] {
					t.Errorf("%s had %d rows, and has %d; or others", name, was[name].rows, tb.rows)
				}
			}
			var closed []string // lessons and labs that the catalogue shows, and that aren't found by that
			if err := c.QueryRow(t.Context(), `
				SELECT coalesce(array_agg(l->>'title'), '{}') FROM course_index i, jsonb_array_elements(i.summary->'lessons' || (i.summary->'labs')) l
				WHERE NOT ts_filter(i.search, '{b}') @@ phraseto_tsquery('english', l->>'title')
				   OR NOT ts_filter(i.search, '{b}') @@ phraseto_tsquery('english', coalesce(l->>'description', l->>'title'))`).Scan(&closed); err != nil || len(closed) > 0 {
				t.Errorf("not found by what the catalogue shows: %v, %v", closed, err)
			}
			if wrong := unruled(t, db); len(wrong) > 0 {
				t.Errorf("what a new database hasn't: %v", wrong)
			}
		})
	}
}
