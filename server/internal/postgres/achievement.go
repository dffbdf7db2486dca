package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// DeedKind is what a learner did.
type DeedKind string

// The deeds that count.
const (
	LessonDone DeedKind = "lesson"
	QuizPassed DeedKind = "quiz" // of each quiz the first pass
	LabDone    DeedKind = "lab"
	StepPassed DeedKind = "step" // of a lab, in any session
	CourseDone DeedKind = "course"
)

// Deed is one of them.
type Deed struct {
	Kind DeedKind
	At   time.Time
}

// Deeds returns what userID has done, oldest first. Steps that a lab's own
// solution did are nobody's.
func (tx Tx) Deeds(ctx context.Context, userID string) ([]Deed, error) {
	rows, err := tx.Query(ctx, `
		SELECT 'lesson', completed_at AS at FROM user_progress WHERE user_id = $1 AND completed_at IS NOT NULL
		UNION ALL SELECT 'lab', completed_at FROM lab_progress WHERE user_id = $1 AND completed_at IS NOT NULL
		UNION ALL SELECT 'quiz', min(created_at) FROM quiz_attempts WHERE user_id = $1 AND passed GROUP BY course_id, lesson_id
		UNION ALL SELECT 'step', p.passed_at FROM lab_sessions s JOIN lab_session_steps p ON p.session_id = s.id
		    WHERE s.user_id = $1 AND p.passed_at IS NOT NULL AND NOT p.replayed
		UNION ALL SELECT 'course', completed_at FROM certificates WHERE user_id = $1
		ORDER BY at`, userID)
	if err != nil {
		return nil, classify("progress", err)
	}
	deeds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Deed])
	return deeds, classify("progress", err)
}

// Earned returns the achievements of userID that were written down, and when
// they were earned.
func (tx Tx) Earned(ctx context.Context, userID string) (map[string]time.Time, error) {
	rows, err := tx.Query(ctx, `SELECT achievement, earned_at FROM user_achievements WHERE user_id = $1`, userID)
	if err != nil {
		return nil, classify("achievement", err)
	}
	earned := map[string]time.Time{}
	var (
		id string
		at time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		earned[id] = at.UTC()
		return nil
	})
	return earned, classify("achievement", err)
}

// Earn writes achievements down that have been earned, and returns those that
// were not yet.
func (tx Tx) Earn(ctx context.Context, userID string, earned []hub.Achievement) ([]string, error) {
	if len(earned) == 0 {
		return nil, nil
	}
	ids, at := make([]string, len(earned)), make([]time.Time, len(earned))
	for i, e := range earned {
		ids[i], at[i] = e.ID, *e.EarnedAt
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO user_achievements (user_id, achievement, earned_at)
		SELECT $1, id, at FROM unnest($2::text[], $3::timestamptz[]) AS t (id, at)
		ON CONFLICT DO NOTHING RETURNING achievement`, userID, ids, at)
	if err != nil {
		return nil, classify("achievement", err)
	}
	return collect[string](rows, "achievement")
}

// LockMerits makes every other transaction that asks the same of a user wait
// for this one. Lock it last: whoever holds it waits for nothing.
func (tx Tx) LockMerits(ctx context.Context, userID string) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('merits of ' || $1, 0))`, userID)
	return classify("achievement", err)
}
