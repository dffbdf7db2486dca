package postgres_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// Rows of several requests are merged in one statement, but for those that are
// wrong about what their learner takes.
func TestMergeGathered(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	var user, course string
	for _, q := range []struct {
		sql string
		to  *string
	}{
		{`INSERT INTO users (email, username, password_hash) VALUES ('a@b', 'a', '') RETURNING id::text`, &user},
		{`INSERT INTO courses (slug, version) VALUES ('one', 2) RETURNING id::text`, &course},
		{`INSERT INTO enrollments (user_id, course_id, version) SELECT u.id, c.id, 2 FROM users u, courses c RETURNING 'x'`, new(string)},
	} {
		if err := db.Pool().QueryRow(t.Context(), q.sql).Scan(q.to); err != nil {
			t.Fatal(err)
		}
	}
	row := func(version int, lesson string, percentage int) postgres.GatheredRow {
		return postgres.GatheredRow{UserID: user, Version: version, ProgressRow: postgres.ProgressRow{CourseID: course, LessonID: lesson, Percentage: percentage}}
	}
	for _, tt := range []struct {
		rows          []postgres.GatheredRow
		changed, want []int // -1: left out
	}{
		{[]postgres.GatheredRow{row(2, "a", 40), row(2, "a", 30), row(2, "b", 10)}, []int{-1, -1, -1}, []int{40, 40, 10}},
		{[]postgres.GatheredRow{row(2, "a", 5), row(1, "b", 90), row(1, "c", 90)}, []int{40, -1, -1}, []int{40, -1, -1}},
		{[]postgres.GatheredRow{row(1, "b", 90), row(2, "b", 80)}, []int{-1, -1}, []int{-1, -1}}, // one of the two; each asks anew
		{[]postgres.GatheredRow{row(2, "b", 11)}, []int{11}, []int{11}},                          // nothing of the above
		{[]postgres.GatheredRow{row(2, "c", 7), row(2, "b", 12)}, []int{-1, 12}, []int{7, 12}},
	} {
		gathered(t, db, tt.rows, tt.changed, func(ctx context.Context, tx postgres.Tx) ([]*postgres.ProgressRow, error) {
			return tx.ChangeGathered(ctx, tt.rows)
		})
		gathered(t, db, tt.rows, tt.want, func(ctx context.Context, tx postgres.Tx) ([]*postgres.ProgressRow, error) {
			return tx.MergeGathered(ctx, tt.rows, time.Now())
		})
	}
}

// gathered holds what a statement says of rows to want, their percentages.
func gathered(t *testing.T, db *postgres.DB, rows []postgres.GatheredRow, want []int, ask func(context.Context, postgres.Tx) ([]*postgres.ProgressRow, error)) {
	t.Helper()
	var stands []*postgres.ProgressRow
	err := db.Ask(t.Context(), func(ctx context.Context, tx postgres.Tx) (err error) {
		stands, err = ask(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for i, s := range stands {
		n := -1
		if s != nil {
			if n = s.Percentage; s.CourseID != rows[i].CourseID || s.LessonID != rows[i].LessonID {
				t.Errorf("%+v: %+v", rows[i], s)
			}
		}
		got = append(got, n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v: %s", rows, diff)
	}
}

// What a learner takes is found by who they are where many take the course, however
// little PostgreSQL knows of that: others of the course aren't read.
func TestMergeGatheredReadsNobodyElse(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Pool().Exec(t.Context(), `
		INSERT INTO users (email, username, password_hash) SELECT n || '@b', 'u' || n, '' FROM generate_series(1, 20000) n;
		INSERT INTO courses (slug, version) VALUES ('one', 2);
		INSERT INTO enrollments (user_id, course_id, version) SELECT u.id, c.id, 2 FROM users u, courses c`); err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"", "ANALYZE"} {
		if _, err := db.Pool().Exec(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		for sql, args := range map[string][]any{postgres.ChangeGathered: nil, postgres.MergeGathered: {time.Now()}} {
			rows, err := db.Pool().Query(t.Context(), "EXPLAIN "+sql, append([]any{[]string{}, []string{}, []int32{}, []string{}, []int32{}}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			plan := strings.Join(lines, "\n")
			if err != nil || !byLearner.MatchString(plan) {
				t.Errorf("after %q: %v\n%s", known, err, plan)
			}
		}
	}
}

var byLearner = regexp.MustCompile(`Index Cond: \(\(user_id = t(_\d)?\.user_id\) AND \(course_id = t(_\d)?\.course_id\)\)`)
