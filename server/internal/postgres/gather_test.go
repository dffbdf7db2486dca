package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// Rows of several requests are merged in one statement, but for those of a
// request that is wrong about what its learner takes: of that one, none.
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
	row := func(request, version int, lesson string, percentage int) postgres.GatheredRow {
		return postgres.GatheredRow{
			Request: request, UserID: user, Version: version,
			ProgressRow: postgres.ProgressRow{CourseID: course, LessonID: lesson, Percentage: percentage},
		}
	}
	var (
		merged map[postgres.LearnerLesson]postgres.ProgressRow
		stale  []int
	)
	merge := func(rows ...postgres.GatheredRow) map[string]int {
		t.Helper()
		err := db.Ask(t.Context(), func(ctx context.Context, tx postgres.Tx) (err error) {
			merged, stale, err = tx.MergeGathered(ctx, rows, time.Now())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		stands := map[string]int{}
		for of, r := range merged {
			if of.UserID != user || of.CourseID != course || r.LessonID != of.LessonID {
				t.Errorf("%+v: %+v", of, r)
			}
			stands[of.LessonID] = r.Percentage
		}
		return stands
	}
	if diff := cmp.Diff(map[string]int{"a": 40, "b": 10}, merge(row(0, 2, "a", 40), row(1, 2, "a", 30), row(2, 2, "b", 10))); diff != "" || len(stale) != 0 {
		t.Errorf("%s stale: %v", diff, stale)
	}
	if diff := cmp.Diff(map[string]int{"a": 40}, merge(row(0, 2, "a", 5), row(1, 2, "b", 90), row(1, 1, "c", 90))); diff != "" || !cmp.Equal(stale, []int{1}) {
		t.Errorf("%s stale: %v", diff, stale)
	}
	if diff := cmp.Diff(map[string]int{"b": 11}, merge(row(0, 2, "b", 11))); diff != "" {
		t.Error("something of a stale request was merged:", diff)
	}
}
