package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// A KeptEvent is an event that was told before.
type KeptEvent struct {
	Request []byte // the hash it was told with
	Outcome []byte // JSON; nil when it is long ago
}

// TakeEvent writes down that userID has told of the event id, or returns it when
// they have before. Who tells of it at the same time waits until this
// transaction ends.
func (tx Tx) TakeEvent(ctx context.Context, userID, id string, request []byte, now time.Time) (*KeptEvent, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO replayed_events (user_id, id, request, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, userID, id, request, now)
	if err != nil || tag.RowsAffected() == 1 {
		return nil, classify("event", err)
	}
	var k KeptEvent
	err = tx.QueryRow(ctx, `SELECT request, outcome FROM replayed_events WHERE user_id = $1 AND id = $2`, userID, id).Scan(&k.Request, &k.Outcome)
	if errors.Is(err, pgx.ErrNoRows) { // the account went between the two
		return nil, classify("account", err)
	}
	return &k, classify("event", err)
}

// KeepOutcome writes down what became of an event that TakeEvent took.
func (tx Tx) KeepOutcome(ctx context.Context, userID, id string, outcome []byte) error {
	_, err := tx.Exec(ctx, `UPDATE replayed_events SET outcome = $3 WHERE user_id = $1 AND id = $2`, userID, id, outcome)
	return classify("event", err)
}

// ForgetOutcomes forgets what became of events that were told before the given
// time. That an attempt at a quiz was told stays known as long as the attempt
// itself; of progress nothing stays, because it merges: told again, it changes
// nothing.
func (tx Tx) ForgetOutcomes(ctx context.Context, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM replayed_events WHERE received_at < $1 AND outcome IS NOT NULL AND NOT outcome ? 'quiz'`, before)
	if err != nil {
		return classify("event", err)
	}
	_, err = tx.Exec(ctx, `UPDATE replayed_events SET outcome = NULL WHERE received_at < $1 AND outcome IS NOT NULL`, before)
	return classify("event", err)
}
