package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// ProgressRow is a ProgressEntry of a known course, ready to be merged.
type ProgressRow struct {
	CourseID    string
	LessonID    string
	Percentage  int
	CompletedAt *time.Time
}

// MergedRow is how a lesson stands after a merge.
type MergedRow struct {
	ProgressRow
	Completed bool // by this merge
}

// Outline is a course that a user enrolled in, in their version and without
// texts.
type Outline struct {
	hub.Course
	EnrolledAt time.Time
	ActiveAt   time.Time // when they last did something in it
}

// EnrollOutlines enrolls userID in the newest version of each course that they
// don't take yet, locks the enrollments until the transaction ends, and
// returns them by course id and by slug. Courses that don't exist are left out.
func (tx Tx) EnrollOutlines(ctx context.Context, userID string, refs []string, now time.Time) (outlines map[string]hub.Course, fresh []hub.Enrollment, err error) {
	rows, err := tx.Query(ctx, `
		INSERT INTO enrollments AS e (user_id, course_id, version, created_at)
		SELECT $1, id, version, $3 FROM courses WHERE (slug = ANY($2) OR id::text = ANY($2)) AND unpublished_at IS NULL ORDER BY id
		ON CONFLICT DO NOTHING
		RETURNING course_id, (SELECT slug FROM courses WHERE id = course_id), version, created_at`, userID, refs, now)
	if err != nil {
		return nil, nil, classify("enrollment", err)
	}
	fresh, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e hub.Enrollment, err error) {
		return e, row.Scan(&e.CourseID, &e.Course, &e.Version, &e.CreatedAt)
	})
	if err != nil {
		return nil, nil, classify("enrollment", err)
	}
	rows, err = tx.Query(ctx, `
		SELECT c.id, c.slug, v.outline
		FROM enrollments e
		JOIN courses c ON c.id = e.course_id
		JOIN course_versions v ON v.course_id = e.course_id AND v.version = e.version
		WHERE e.user_id = $1 AND (c.slug = ANY($2) OR c.id::text = ANY($2))
		ORDER BY c.id FOR UPDATE OF e`, userID, refs)
	if err != nil {
		return nil, nil, classify("enrollment", err)
	}
	defer rows.Close()
	outlines = map[string]hub.Course{}
	for rows.Next() {
		var (
			id, slug string
			doc      []byte
			c        hub.Course
		)
		if err := rows.Scan(&id, &slug, &doc); err != nil {
			return nil, nil, classify("enrollment", err)
		}
		if err := json.Unmarshal(doc, &c); err != nil {
			return nil, nil, classify("course", err)
		}
		c.ID = id
		outlines[id], outlines[slug] = c, c
	}
	return outlines, fresh, classify("enrollment", rows.Err())
}

// MergeProgress merges rows into userID's progress, in one statement: the
// highest percentage and the first completion win. It returns one row for each
// lesson that rows name, as it stands now. The enrollments must be locked, or
// two merges at once could both believe to have completed a lesson.
func (tx Tx) MergeProgress(ctx context.Context, userID string, entries []ProgressRow, now time.Time) ([]MergedRow, error) {
	var (
		courses, lessons []string
		percentages      []int32
		completions      []*time.Time
	)
	for _, e := range entries {
		courses, lessons = append(courses, e.CourseID), append(lessons, e.LessonID)
		percentages, completions = append(percentages, int32(e.Percentage)), append(completions, e.CompletedAt)
	}
	rows, err := tx.Query(ctx, `
		WITH told AS (
		    SELECT course_id, lesson_id, max(percentage) AS percentage, min(completed_at) AS completed_at
		    FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::timestamptz[]) AS t (course_id, lesson_id, percentage, completed_at)
		    GROUP BY course_id, lesson_id
		), before AS (
		    SELECT course_id, lesson_id FROM user_progress WHERE user_id = $1 AND completed_at IS NOT NULL AND course_id = ANY($2)
		)
		INSERT INTO user_progress AS p (user_id, course_id, lesson_id, progress_percentage, completed_at, created_at)
		SELECT $1, course_id, lesson_id, percentage, completed_at, $6 FROM told ORDER BY course_id, lesson_id
		ON CONFLICT (user_id, course_id, lesson_id) DO UPDATE SET
		    progress_percentage = greatest(p.progress_percentage, excluded.progress_percentage),
		    completed_at = least(p.completed_at, excluded.completed_at)
		RETURNING course_id, lesson_id, progress_percentage, completed_at,
		    completed_at IS NOT NULL AND (course_id, lesson_id) NOT IN (SELECT course_id, lesson_id FROM before)`,
		userID, courses, lessons, percentages, completions, now)
	if err != nil {
		return nil, classify("progress", err)
	}
	merged, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m MergedRow, err error) {
		err = row.Scan(&m.CourseID, &m.LessonID, &m.Percentage, &m.CompletedAt, &m.Completed)
		m.CompletedAt = utc(m.CompletedAt)
		return m, err
	})
	return merged, classify("progress", err)
}

// Outlines returns what userID is enrolled in, the most recently used first.
func (tx Tx) Outlines(ctx context.Context, userID string) ([]Outline, error) {
	rows, err := tx.Query(ctx, `
		WITH did AS (
		    SELECT course_id, max(at) AS at FROM (
		        SELECT course_id, greatest(created_at, completed_at) AS at FROM user_progress WHERE user_id = $1
		        UNION ALL SELECT course_id, created_at FROM quiz_attempts WHERE user_id = $1
		        UNION ALL SELECT l.course_id, s.created_at FROM lab_sessions s JOIN labs l ON l.id = s.lab_id WHERE s.user_id = $1
		    ) a GROUP BY course_id
		)
		SELECT c.id, c.slug, e.version, e.created_at, greatest(e.created_at, did.at), v.outline
		FROM enrollments e
		JOIN courses c ON c.id = e.course_id
		JOIN course_versions v ON v.course_id = e.course_id AND v.version = e.version
		LEFT JOIN did ON did.course_id = e.course_id
		WHERE e.user_id = $1
		ORDER BY 5 DESC, c.slug`, userID)
	if err != nil {
		return nil, classify("progress", err)
	}
	outlines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Outline, err error) {
		var (
			id, slug string
			version  int
			doc      []byte
		)
		if err := row.Scan(&id, &slug, &version, &o.EnrolledAt, &o.ActiveAt, &doc); err != nil {
			return o, err
		}
		err = json.Unmarshal(doc, &o.Course)
		o.ID, o.Slug, o.Version, o.EnrolledAt = id, slug, version, o.EnrolledAt.UTC()
		return o, err
	})
	return outlines, classify("progress", err)
}

// LessonKey names a lesson of the platform.
type LessonKey struct{ CourseID, LessonID string }

// LessonProgress returns how far userID is with every lesson they opened.
func (tx Tx) LessonProgress(ctx context.Context, userID string) (map[LessonKey]ProgressRow, error) {
	rows, err := tx.Query(ctx, `
		SELECT course_id, lesson_id, progress_percentage, completed_at FROM user_progress WHERE user_id = $1`, userID)
	if err != nil {
		return nil, classify("progress", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r ProgressRow, err error) {
		err = row.Scan(&r.CourseID, &r.LessonID, &r.Percentage, &r.CompletedAt)
		r.CompletedAt = utc(r.CompletedAt)
		return r, err
	})
	found := make(map[LessonKey]ProgressRow, len(all))
	for _, r := range all {
		found[LessonKey{r.CourseID, r.LessonID}] = r
	}
	return found, classify("progress", err)
}

// LabProgress returns how far userID is with every lab they tried, by lab.
func (tx Tx) LabProgress(ctx context.Context, userID string) (map[string]hub.LabProgress, error) {
	rows, err := tx.Query(ctx, `SELECT lab_id, progress_percentage, completed_at FROM lab_progress WHERE user_id = $1`, userID)
	if err != nil {
		return nil, classify("lab progress", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p hub.LabProgress, err error) {
		err = row.Scan(&p.LabID, &p.Percentage, &p.CompletedAt)
		p.CompletedAt = utc(p.CompletedAt)
		return p, err
	})
	found := make(map[string]hub.LabProgress, len(all))
	for _, p := range all {
		found[p.LabID] = p
	}
	return found, classify("lab progress", err)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
