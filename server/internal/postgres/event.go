package postgres

import (
	"context"
	"encoding/json"
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
