// Package jobs does what nobody waits for: it looks after the labs of this
// machine, and works the job queue that all servers share. Each piece of work
// is one method of app; what it means, and what may go wrong, is decided there.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/metrics"
)

const (
	tendEvery  = 5 * time.Second
	pollEvery  = 2 * time.Second
	sweepEvery = time.Minute

	// The queue's leader retires a job whose worker's process has died. The
	// default of an hour would leave its work undone for as long; with this, and
	// looking twice a minute, it is done within two.
	rescueAfter = 70 * time.Second
	jobTimeout  = time.Minute
	stopWithin  = 10 * time.Second
)

// Jobs is safe for one Run at a time.
type Jobs struct {
	app   *app.App
	log   *slog.Logger
	queue interface {
		Start(context.Context) error
		Stop(context.Context) error
		StopAndCancel(context.Context) error
	}
}

// New prepares the workers. Nothing runs before Run. m, which may be nil, counts
// what they do.
func New(a *app.App, log *slog.Logger, m *metrics.Metrics) (*Jobs, error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, forgetWorker{app: a}); err != nil {
		return nil, err
	}
	if err := river.AddWorkerSafely(workers, checkpointsWorker{app: a}); err != nil {
		return nil, err
	}
	if err := river.AddWorkerSafely(workers, mailWorker{app: a}); err != nil {
		return nil, err
	}
	if err := river.AddWorkerSafely(workers, deletionsWorker{app: a}); err != nil {
		return nil, err
	}
	queue, err := river.NewClient(riverpgxv5.New(a.DB.Pool()), &river.Config{
		Logger:               slog.New(quiet{log.Handler()}),
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		PeriodicJobs:         []*river.PeriodicJob{forgetting(), forgettingCheckpoints(), deletingAccounts()},
		Middleware:           []rivertype.Middleware{&counting{metrics: m}},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
	})
	if err != nil {
		return nil, err
	}
	return &Jobs{app: a, log: log, queue: queue}, nil
}

// Run works until ctx is done, and then lets what has begun finish. It first
// adopts the labs that an earlier process left on this machine. A failure of
// one piece of work, or of the database, is logged and met again; Run goes on.
func (j *Jobs) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return j.work(ctx) })
	g.Go(func() error {
		j.once(ctx, "adopt labs", j.app.AdoptLabs)
		g.Go(func() error { return j.every(ctx, tendEvery, "tend labs", j.app.TendLabs) })
		g.Go(func() error { return j.every(ctx, pollEvery, "poll labs", j.app.PollLabs) })
		return j.every(ctx, sweepEvery, "sweep labs", j.app.SweepLabs)
	})
	return g.Wait()
}

// every runs what only this machine can do, on its own clock: the schedules of
// the queue are kept by one server for all.
func (j *Jobs) every(ctx context.Context, d time.Duration, what string, do func(context.Context) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			j.once(ctx, what, do)
		case <-ctx.Done():
			return nil
		}
	}
}

func (j *Jobs) once(ctx context.Context, what string, do func(context.Context) error) {
	if err := do(ctx); err != nil && ctx.Err() == nil {
		j.log.ErrorContext(ctx, "background work", "what", what, "err", err)
	}
}

// work runs the queue. It starts as soon as the database lets it.
func (j *Jobs) work(ctx context.Context) error {
	for {
		// The queue's own context outlives ctx, so that jobs may finish.
		err := j.queue.Start(context.WithoutCancel(ctx))
		if err == nil {
			break
		}
		j.log.ErrorContext(ctx, "job queue not started yet", "err", err)
		select {
		case <-time.After(tendEvery):
		case <-ctx.Done():
			return nil
		}
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := j.queue.Stop(grace); err != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return j.queue.StopAndCancel(hard)
	}
	return nil
}

// quiet leaves out the queue's own news below a warning.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
