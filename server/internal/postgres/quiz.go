package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// AddQuizAttempt stores one attempt at the quiz of a lesson.
func (tx Tx) AddQuizAttempt(ctx context.Context, userID string, at LessonKey, version int, answers hub.QuizAnswers, r hub.QuizResult, now time.Time) error {
	body, err := json.Marshal(answers.Answers)
	if err != nil {
		return classify("quiz attempt", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO quiz_attempts (user_id, course_id, lesson_id, version, answers, score, passed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, userID, at.CourseID, at.LessonID, version, body, r.Score, r.Passed, now)
	return classify("quiz attempt", err)
}

// QuizzesPassed returns the lessons whose quiz userID has passed.
func (tx Tx) QuizzesPassed(ctx context.Context, userID string) (map[LessonKey]bool, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT course_id::text, lesson_id FROM quiz_attempts WHERE user_id = $1 AND passed`, userID)
	if err != nil {
		return nil, classify("quiz", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LessonKey])
	passed := make(map[LessonKey]bool, len(keys))
	for _, k := range keys {
		passed[k] = true
	}
	return passed, classify("quiz", err)
}
