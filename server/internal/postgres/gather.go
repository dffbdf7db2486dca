package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A GatheredRow is a row of somebody's progress, among others'. It completes
// nothing.
type GatheredRow struct {
	ProgressRow
	UserID  string
	Version int // of the course, that they are believed to take
}

// gathered are rows of several learners' requests, but for those of who doesn't take
// that version of their course. The parameters are hidden from the planner: to make
// a plan for each length of them takes as long as the statement itself. So is the
// version, from the index of who takes one: where it was taken for as good as the key,
// each row read everybody of the course. They are in order, so that statements wait
// for each other in one direction; where the table is so small that it is read whole,
// in its own, and whom a deadlock ends is merged alone.
const gathered = `
	SELECT t.* FROM unnest((SELECT $1::uuid[]), (SELECT $2::uuid[]), (SELECT $3::integer[]), (SELECT $4::text[]), (SELECT $5::integer[]))
	    AS t (user_id, course_id, version, lesson_id, percentage)
	WHERE EXISTS (SELECT FROM enrollments e WHERE e.user_id = t.user_id AND e.course_id = t.course_id AND e.version + 0 = t.version)
	ORDER BY user_id, course_id, lesson_id`

const (
	// OFFSET keeps the order apart from the join, which goes by it.
	changeGathered = `
		UPDATE user_progress AS p SET progress_percentage = greatest(p.progress_percentage, t.percentage)
		FROM (` + gathered + ` OFFSET 0) AS t
		WHERE p.user_id = t.user_id AND p.course_id = t.course_id AND p.lesson_id = t.lesson_id
		RETURNING p.user_id, p.course_id, p.lesson_id, p.progress_percentage, p.completed_at`

	mergeGathered = `
		INSERT INTO user_progress AS p (user_id, course_id, lesson_id, progress_percentage, created_at)
		SELECT user_id, course_id, lesson_id, percentage, $6 FROM (` + gathered + `) AS t
		ON CONFLICT (user_id, course_id, lesson_id) DO UPDATE SET
		    progress_percentage = greatest(p.progress_percentage, excluded.progress_percentage)
		RETURNING user_id, course_id, lesson_id, progress_percentage, completed_at`
)

type learnerCourse struct{ user, course pgtype.UUID }

type learnerLesson struct {
	learnerCourse
	lesson string
}

// MergeGathered merges rows of many learners into their progress, as
// MergeProgress does for one, and returns how each lesson stands now. Where a
// learner doesn't take the course in that version, all their rows of it are left
// out, and nil is returned for them.
func (tx Tx) MergeGathered(ctx context.Context, rows []GatheredRow, now time.Time) ([]*ProgressRow, error) {
	return tx.gather(ctx, rows, mergeGathered, now)
}

// ChangeGathered is MergeGathered for lessons with some progress already, at two
// thirds of its price: nothing is made ready to be inserted. The others are left out, too.
func (tx Tx) ChangeGathered(ctx context.Context, rows []GatheredRow) ([]*ProgressRow, error) {
	return tx.gather(ctx, rows, changeGathered)
}

func (tx Tx) gather(ctx context.Context, rows []GatheredRow, sql string, more ...any) ([]*ProgressRow, error) {
	var (
		n               = len(rows)
		lessonOf        = make([]learnerLesson, n)
		at              = make(map[learnerLesson]int, n) // in what is sent
		taken           = make(map[learnerCourse]int, n)
		users, courses  = make(pgtype.FlatArray[pgtype.UUID], 0, n), make(pgtype.FlatArray[pgtype.UUID], 0, n)
		versions, heard = make([]int32, 0, n), make([]int32, 0, n)
		lessons         = make([]string, 0, n)
	)
	for i, r := range rows {
		l := learnerLesson{lesson: r.LessonID}
		if err := errors.Join(l.user.Scan(r.UserID), l.course.Scan(r.CourseID)); err != nil {
			return nil, classify("progress", err)
		}
		if version, ok := taken[l.learnerCourse]; ok && version != r.Version {
			continue // one of the two is wrong
		}
		taken[l.learnerCourse], lessonOf[i] = r.Version, l
		if before, ok := at[l]; ok {
			heard[before] = max(heard[before], int32(r.Percentage)) //nolint:gosec // a small number
			continue
		}
		at[l] = len(users)
		users, courses, lessons = append(users, l.user), append(courses, l.course), append(lessons, l.lesson)
		versions, heard = append(versions, int32(r.Version)), append(heard, int32(r.Percentage)) //nolint:gosec // small numbers
	}
	told, err := tx.Query(ctx, sql, append([]any{users, courses, versions, lessons, heard}, more...)...)
	if err != nil {
		return nil, classify("progress", err)
	}
	merged, found := make([]ProgressRow, len(users)), make([]bool, len(users))
	var (
		l          learnerLesson
		percentage int
		completed  *time.Time
	)
	_, err = pgx.ForEachRow(told, []any{&l.user, &l.course, &l.lesson, &percentage, &completed}, func() error {
		i := at[l]
		merged[i], found[i] = ProgressRow{LessonID: l.lesson, Percentage: percentage, CompletedAt: utc(completed)}, true
		return nil
	})
	if err != nil {
		return nil, classify("progress", err)
	}
	stands := make([]*ProgressRow, n)
	for i, l := range lessonOf {
		if n := at[l]; l.user.Valid && found[n] {
			merged[n].CourseID = rows[i].CourseID
			stands[i] = &merged[n]
		}
	}
	return stands, nil
}

// OutlineOf is a version of a course, without texts.
func (tx Tx) OutlineOf(ctx context.Context, courseID string, version int) (c hub.Course, err error) {
	var doc []byte
	err = tx.QueryRow(ctx, `SELECT outline FROM course_versions WHERE course_id = $1::text::uuid AND version = $2`, courseID, version).Scan(&doc)
	if err != nil {
		return c, classify("course", err)
	}
	err = json.Unmarshal(doc, &c)
	c.ID, c.Version = courseID, version
	return c, classify("course", err)
}
