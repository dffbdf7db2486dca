package postgres

import (
	"context"
	"encoding/json"
	"time"
)

// Answer stores what was answered to a question of a session, and returns how
// often that one was answered. Once right, it stays so.
func (tx Tx) Answer(ctx context.Context, session string, step, question int, answer []string, right bool, now time.Time) (attempts int, err error) {
	given, err := json.Marshal(answer)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `
		INSERT INTO lab_session_answers AS a (session_id, step, question, attempts, answer, right_at)
		VALUES ($1, $2, $3, 1, $4, CASE WHEN $5 THEN $6::timestamptz END)
		ON CONFLICT (session_id, step, question) DO UPDATE SET
		    attempts = a.attempts + 1, answer = excluded.answer, right_at = coalesce(a.right_at, excluded.right_at)
		RETURNING attempts`, session, step, question, given, right, now).Scan(&attempts)
	return attempts, classify("answer", err)
}

// RightAnswers are the numbers of a step's questions that were answered right.
func (tx Tx) RightAnswers(ctx context.Context, session string, step int) ([]int, error) {
	rows, err := tx.Query(ctx, `
		SELECT question FROM lab_session_answers
		WHERE session_id = $1 AND step = $2 AND right_at IS NOT NULL ORDER BY question`, session, step)
	if err != nil {
		return nil, classify("answer", err)
	}
	return collect[int](rows, "answer")
}
