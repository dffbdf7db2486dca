package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A GatheredRow is a row of somebody's progress, of one request among others.
// It completes nothing.
type GatheredRow struct {
	ProgressRow
	Request int
	UserID  string
	Version int // of the course, that they are believed to take
}

// LearnerLesson names a lesson of one learner.
type LearnerLesson struct {
	UserID string
	LessonKey
}

// MergeGathered merges rows of many learners into their progress, as
// MergeProgress does for one. A request that names a course which its learner
// doesn't take in that version is stale, and nothing of it is merged. It returns
// how each lesson stands now.
func (tx Tx) MergeGathered(ctx context.Context, rows []GatheredRow, now time.Time) (merged map[LearnerLesson]ProgressRow, stale []int, err error) {
	n := len(rows)
	requests, versions, percentages := make([]int32, n), make([]int32, n), make([]int32, n)
	users, courses, lessons := make([]string, n), make([]string, n), make([]string, n)
	for i, r := range rows {
		requests[i], versions[i], percentages[i] = int32(r.Request), int32(r.Version), int32(r.Percentage) //nolint:gosec // small numbers
		users[i], courses[i], lessons[i] = r.UserID, r.CourseID, r.LessonID
	}
	found, err := tx.Query(ctx, `
		WITH told AS (
		    SELECT * FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::integer[])
		        AS t (request, user_id, course_id, version, lesson_id, percentage)
		), stale AS (
		    SELECT DISTINCT t.request FROM told t
		    WHERE NOT EXISTS (SELECT FROM enrollments e WHERE e.user_id = t.user_id AND e.course_id = t.course_id AND e.version = t.version)
		), merged AS (
		    INSERT INTO user_progress AS p (user_id, course_id, lesson_id, progress_percentage, created_at)
		    SELECT user_id, course_id, lesson_id, max(percentage), $7 FROM told
		    WHERE request NOT IN (SELECT request FROM stale)
		    GROUP BY user_id, course_id, lesson_id
		    ORDER BY user_id, course_id, lesson_id -- so that statements wait for each other in one direction
		    ON CONFLICT (user_id, course_id, lesson_id) DO UPDATE SET
		        progress_percentage = greatest(p.progress_percentage, excluded.progress_percentage)
		    RETURNING user_id, course_id, lesson_id, progress_percentage, completed_at
		)
		SELECT NULL::integer, user_id, course_id, lesson_id, progress_percentage, completed_at FROM merged
		UNION ALL SELECT request, NULL, NULL, NULL, NULL, NULL FROM stale`,
		requests, users, courses, versions, lessons, percentages, now)
	if err != nil {
		return nil, nil, classify("progress", err)
	}
	merged = make(map[LearnerLesson]ProgressRow, n)
	var (
		request, percentage  *int
		user, course, lesson *string
		completed            *time.Time
	)
	_, err = pgx.ForEachRow(found, []any{&request, &user, &course, &lesson, &percentage, &completed}, func() error {
		if request != nil {
			stale = append(stale, *request)
			return nil
		}
		merged[LearnerLesson{*user, LessonKey{*course, *lesson}}] = ProgressRow{*course, *lesson, *percentage, utc(completed)}
		return nil
	})
	return merged, stale, classify("progress", err)
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
