package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

const forgetCheckpointsEvery = 15 * time.Minute

// checkpoints removes what was kept of labs for long enough. Each machine's
// sweeper removes the files.
type checkpoints struct{}

// Kind names the job in the queue. Queued jobs hold it, so it never changes.
func (checkpoints) Kind() string { return "forget_checkpoints" }

type checkpointsWorker struct {
	river.WorkerDefaults[checkpoints]
	app *app.App
}

func (w checkpointsWorker) Work(ctx context.Context, _ *river.Job[checkpoints]) error {
	return w.app.ForgetCheckpoints(ctx)
}

func forgettingCheckpoints() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(forgetCheckpointsEvery),
		func() (river.JobArgs, *river.InsertOpts) { return checkpoints{}, &river.InsertOpts{MaxAttempts: 3} },
		&river.PeriodicJobOpts{ID: "forget_checkpoints", RunOnStart: true})
}
