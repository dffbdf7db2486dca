package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// unruled says which tables and columns hold something about people without a
// word in Holdings, and which tables have two: whoever is reached by foreign keys from users, or has a
// column that is called like a person.
func unruled(t *testing.T, db *postgres.DB) (wrong []string) {
	t.Helper()
	const personal = `
		WITH RECURSIVE fk AS (
			SELECT con.conrelid::regclass::text AS child, con.confrelid::regclass::text AS parent FROM pg_constraint con
			JOIN pg_class c ON c.oid = con.conrelid WHERE con.contype = 'f' AND c.relnamespace = current_schema()::regnamespace
		), people AS (
			SELECT 'users' AS name
			UNION SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema()
				AND table_name NOT LIKE 'river\_%' AND column_name ~ '^(user|owner|actor|subject|learner|author|account)_id$|_owner$|_by$|email|username|display_name|address$|^ip$|^principal$'
			UNION SELECT fk.child FROM fk JOIN people ON fk.parent = people.name WHERE NOT people.name = ANY ($1)
		)
		SELECT DISTINCT name FROM people ORDER BY name`
	var kept []string
	rules := map[string]postgres.Holding{}
	for _, h := range postgres.Holdings {
		if _, twice := rules[h.Table]; twice {
			wrong = append(wrong, h.Table+", which is there twice,")
		}
		rules[h.Table] = h
		if h.Keeps != "" {
			kept = append(kept, h.Table)
		}
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		list := func(sql string, args ...any) ([]string, error) {
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, pgx.RowTo[string])
		}
		tables, err := list(personal, kept)
		if err != nil {
			return err
		}
		for _, name := range tables {
			if _, ok := rules[name]; !ok {
				wrong = append(wrong, name)
			}
		}
		for _, h := range postgres.Holdings {
			columns, err := list(`SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`, h.Table)
			if err != nil {
				return err
			}
			shown := strings.FieldsFunc(h.Shows, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
			for _, c := range columns {
				if _, hidden := h.Hides[c]; hidden == slices.Contains(shown, c) {
					wrong = append(wrong, h.Table+"."+c)
				}
			}
			for _, c := range shown {
				if !slices.Contains(columns, c) {
					wrong = append(wrong, h.Table+"."+c+", which doesn't exist,")
				}
			}
			for c := range h.Hides {
				if !slices.Contains(columns, c) {
					wrong = append(wrong, h.Table+"."+c+", which doesn't exist,")
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return wrong
}

func TestEverythingAboutPeopleHasARule(t *testing.T) {
	t.Parallel()
	for _, name := range unruled(t, pgtest.Open(t)) {
		t.Errorf("%s has no rule: say in server/internal/postgres/holding.go what an export shows of it, and what becomes of it with its account", name)
	}
}

// The check is sharp: it finds what a careless change would bring.
func TestARuleThatIsMissingIsFound(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		_, err := tx.Exec(ctx, `
			CREATE TABLE diaries (id bigint PRIMARY KEY, whose uuid REFERENCES users);
			CREATE TABLE diary_pages (diary bigint REFERENCES diaries, words text);
			CREATE TABLE letters (email text);
			ALTER TABLE ssh_keys ADD COLUMN nickname text`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := unruled(t, db)
	for _, want := range []string{"diaries", "diary_pages", "letters", "ssh_keys.nickname"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s was not found, only %v", want, found)
		}
	}
}

// What was done stays written down, whatever a bug of ours tries.
func TestTheAuditLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	try := func(sql string) error {
		return db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
	}
	if err := try(`INSERT INTO audit_log (action) VALUES ('account.tried')`); err != nil {
		t.Fatal(err)
	}
	if err := try(`INSERT INTO audit_log (action, at) VALUES ('account.long_ago', now() - interval '366 days')`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE audit_log SET action = 'nothing'`, `DELETE FROM audit_log`, `TRUNCATE audit_log`, `DELETE FROM audit_log WHERE action = 'account.tried'`,
		`UPDATE audit_log SET at = now() - interval '2 years' WHERE action = 'account.tried'`,
	} {
		if err := try(sql); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if err := try(`DELETE FROM audit_log WHERE action = 'account.long_ago'`); err != nil {
		t.Errorf("what is older than a year: %v", err)
	}
}
