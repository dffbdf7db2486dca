package postgres

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Job is work that the queue does later: its fields, as JSON, and a name that
// never changes. It holds ids, no names, addresses or secrets: it is in the
// database for a while.
type Job interface{ Kind() string }

// Enqueue leaves work to the queue, in the transaction of what causes it: both
// happen or neither. It is tried again, less and less often, up to tries times.
func (tx Tx) Enqueue(ctx context.Context, j Job, tries int) error {
	queue, err := river.NewClient(riverpgxv5.New(nil), &river.Config{})
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	_, err = queue.InsertTx(ctx, tx.Tx, j, &river.InsertOpts{MaxAttempts: tries})
	return classify("job", err)
}
