package app

import (
	"context"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Stats is how busy the hub is. It names nobody.
type Stats struct {
	Labs int            // sessions that run on this machine
	Jobs map[string]int // of the queue that all servers share, by state
}

// Stats asks the database.
func (a *App) Stats(ctx context.Context) (s Stats, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		runs, err := tx.CountLabRuns(ctx, a.Labs.Node)
		if err != nil {
			return err
		}
		for _, n := range runs {
			s.Labs += n
		}
		s.Jobs, err = tx.CountJobs(ctx)
		return err
	})
	return s, err
}

// LabsQueued is how many starts wait for their turn on this machine, and how many
// have it.
func (a *App) LabsQueued() (queued, starting int) {
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	return len(a.queue.tickets), a.queue.starting
}

// Streams is how many people follow the events of a lab.
func (a *App) Streams() int {
	a.streams.mu.Lock()
	defer a.streams.mu.Unlock()
	return len(a.streams.open)
}
