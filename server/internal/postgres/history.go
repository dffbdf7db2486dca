package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// LabHistory lists the sessions of an account, the newest first, and says where
// the next page begins. Servers of the version before write no outcome.
func (tx Tx) LabHistory(ctx context.Context, userID string, f hub.LabHistoryFilter, after *AccountKey, now time.Time) ([]hub.LabAttempt, *AccountKey, error) {
	var from AccountKey
	if after != nil {
		from = *after
	}
	rows, err := tx.Query(ctx, `
		SELECT s.id, s.lab_id, coalesce(c.slug, ''), v.document->>'title', s.state,
		       CASE WHEN s.ended_at IS NULL THEN '' ELSE coalesce(s.outcome, CASE WHEN s.state = 'destroyed' THEN 'stopped' ELSE s.state END) END,
		       CASE WHEN s.ended_at IS NULL THEN '' ELSE s.message END,
		       t.steps, t.checks, t.passed,
		       greatest(0, floor(extract(epoch FROM least(coalesce(s.ended_at, $7), s.expires_at) - s.created_at) / 60))::integer,
		       s.created_at, s.ended_at
		FROM lab_sessions s
		JOIN lab_versions v ON v.lab_id = s.lab_id AND v.hash = s.lab_version
		JOIN labs l ON l.id = s.lab_id
		LEFT JOIN courses c ON c.id = l.course_id
		CROSS JOIN LATERAL (
		    SELECT count(*) AS steps, count(*) FILTER (WHERE d.checked) AS checks, count(*) FILTER (WHERE d.checked AND t.state = 'passed') AS passed
		    FROM lab_session_steps t
		    LEFT JOIN lab_broken_checks b ON b.lab_id = s.lab_id AND b.lab_version = s.lab_version AND b.step = t.number
		    CROSS JOIN LATERAL (SELECT b.step IS NULL AND coalesce((v.document->'steps'->(t.number - 1)->>'checked')::boolean, false) AS checked) d
		    WHERE t.session_id = s.id) t
		WHERE s.user_id = $1::text::uuid AND ($2 = '' OR s.lab_id = $2) AND ($3 = '' OR c.slug = $3)
		  AND (NOT $4 OR (s.created_at, s.id) < ($5, $6))
		ORDER BY s.created_at DESC, s.id DESC LIMIT $8`,
		userID, f.Lab, f.Course, after != nil, from.At, from.ID, now, f.Limit+1)
	if err != nil {
		return nil, nil, classify("lab session", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a hub.LabAttempt, err error) {
		err = row.Scan(&a.ID, &a.LabID, &a.Course, &a.Title, &a.State, &a.Outcome, &a.Reason,
			&a.Steps, &a.Checks, &a.ChecksPassed, &a.Minutes, &a.BeganAt, &a.EndedAt)
		return a, err
	})
	if err != nil || len(all) <= f.Limit {
		return all, nil, classify("lab session", err)
	}
	all = all[:f.Limit]
	last := all[f.Limit-1]
	return all, &AccountKey{last.BeganAt, last.ID}, nil
}

// QuizAttempts lists how often an account took the quiz of a lesson, the newest
// first, and says where the next page begins.
func (tx Tx) QuizAttempts(ctx context.Context, userID string, of LessonKey, p hub.Paging, after *AccountKey) ([]hub.QuizAttempt, *AccountKey, error) {
	from := AccountKey{ID: "00000000-0000-0000-0000-000000000000"}
	if after != nil {
		from = *after
	}
	rows, err := tx.Query(ctx, `
		SELECT id::text, score, passed, version, answers, created_at FROM quiz_attempts
		WHERE user_id = $1::text::uuid AND course_id = $2::text::uuid AND lesson_id = $3
		  AND (NOT $4 OR (created_at, id) < ($5, $6::text::uuid))
		ORDER BY created_at DESC, id DESC LIMIT $7`,
		userID, of.CourseID, of.LessonID, after != nil, from.At, from.ID, p.Limit+1)
	if err != nil {
		return nil, nil, classify("quiz attempt", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (q hub.QuizAttempt, err error) {
		var answers []byte
		if err := row.Scan(&q.ID, &q.Score, &q.Passed, &q.Version, &answers, &q.CreatedAt); err != nil {
			return q, err
		}
		err = json.Unmarshal(answers, &q.Answers)
		if q.Answers == nil { // nothing was answered
			q.Answers = map[string][]string{}
		}
		return q, err
	})
	if err != nil || len(all) <= p.Limit {
		return all, nil, classify("quiz attempt", err)
	}
	all = all[:p.Limit]
	last := all[p.Limit-1]
	return all, &AccountKey{last.CreatedAt, last.ID}, nil
}
