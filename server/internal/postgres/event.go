package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Event writes a learning event to the outbox, in the transaction of what it
// tells of: both happen or neither. typ is noun.verb, such as lesson.completed;
// data is encoded as JSON and holds no secrets. An empty userID is nobody's
// event.
func (tx Tx) Event(ctx context.Context, userID, typ string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return classify("event", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO events (user_id, type, data) VALUES (nullif($1, '')::uuid, $2, $3)`, userID, typ, body)
	return classify("event", err)
}

// EventCursor is how far somebody has read the events of a session.
type EventCursor struct {
	Session string
	After   int64
}

// SessionEvents returns what has happened to sessions since, at most limit
// events of each, those of one session in order. The events of a session are
// written by whoever holds its row, so that none appears behind a later one.
func (tx Tx) SessionEvents(ctx context.Context, since []EventCursor, limit int) ([]hub.LabEvent, error) {
	sessions, after := make([]string, len(since)), make([]int64, len(since))
	for i, c := range since {
		sessions[i], after[i] = c.Session, c.After
	}
	rows, err := tx.Query(ctx, `
		SELECT e.id, e.type, w.session, e.created_at, e.data
		FROM unnest($1::text[], $2::bigint[]) AS w (session, after)
		CROSS JOIN LATERAL (
		    SELECT id, type, created_at, data FROM events
		    WHERE data->>'session' = w.session AND data ? 'session' AND id > w.after
		    ORDER BY id LIMIT $3) AS e
		ORDER BY e.id`, sessions, after, limit)
	if err != nil {
		return nil, classify("event", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e hub.LabEvent, err error) {
		var data []byte
		if err := row.Scan(&e.ID, &e.Type, &e.SessionID, &e.At, &data); err != nil {
			return e, err
		}
		if err := json.Unmarshal(data, &e.Data); err != nil {
			return e, err
		}
		e.LabID, _ = e.Data["lab"].(string)
		for _, told := range []string{"session", "lab", "version"} {
			delete(e.Data, told)
		}
		return e, nil
	})
	return events, classify("event", err)
}
