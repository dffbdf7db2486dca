package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

const deleteAccountsEvery = 15 * time.Minute

// deletions removes accounts whose owners wanted that and have not come back.
type deletions struct{}

// Kind names the job in the queue. Queued jobs hold it, so it never changes.
func (deletions) Kind() string { return "delete_accounts" }

type deletionsWorker struct {
	river.WorkerDefaults[deletions]
	app *app.App
}

func (w deletionsWorker) Work(ctx context.Context, _ *river.Job[deletions]) error {
	return w.app.DeleteAccounts(ctx)
}

func deletingAccounts() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(deleteAccountsEvery),
		func() (river.JobArgs, *river.InsertOpts) { return deletions{}, &river.InsertOpts{MaxAttempts: 3} },
		&river.PeriodicJobOpts{ID: "delete_accounts", RunOnStart: true})
}
