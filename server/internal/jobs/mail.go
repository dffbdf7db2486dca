package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

// mailWorker sends what app has left to the queue. A server that is away is
// tried again for about a day.
type mailWorker struct {
	river.WorkerDefaults[app.Mail]
	app *app.App
}

func (w mailWorker) Work(ctx context.Context, job *river.Job[app.Mail]) error {
	return w.app.SendMail(ctx, job.Args)
}
