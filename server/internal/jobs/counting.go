package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloudmastershub/cmh/server/internal/metrics"
)

// counting tells operators what the queue's workers have done.
type counting struct {
	river.MiddlewareDefaults
	metrics *metrics.Metrics
}

// Work counts one job around its work.
func (c *counting) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	began := time.Now()
	err := work(ctx)
	c.metrics.Job(job.Kind, err, time.Since(began))
	return err
}
