package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

const forgetEvery = 10 * time.Minute

// forget removes what is no longer good for anything: spent tokens, answers
// kept for an Idempotency-Key.
type forget struct{}

// Kind names the job in the queue. Queued jobs hold it, so it never changes.
func (forget) Kind() string { return "forget" }

type forgetWorker struct {
	river.WorkerDefaults[forget]
	app *app.App
}

func (w forgetWorker) Work(ctx context.Context, _ *river.Job[forget]) error {
	return w.app.ForgetOld(ctx)
}

func forgetting() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(forgetEvery),
		func() (river.JobArgs, *river.InsertOpts) { return forget{}, &river.InsertOpts{MaxAttempts: 3} },
		&river.PeriodicJobOpts{ID: "forget", RunOnStart: true})
}
