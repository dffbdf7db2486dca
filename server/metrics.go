package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/labs/pool"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/metrics"
)

const (
	statsLife  = 2 * time.Second // what the database was asked is good for as long
	statsGrace = 2 * time.Second // a database that is away keeps no numbers of ours back for longer
)

// watched is what the numbers of a server are read from.
type watched struct {
	app     *app.App
	warm    *pool.Pool // nil without one
	gateway atomic.Pointer[gateway.Gateway]
}

// meters is what a server counts, or nil when nobody is to look.
func meters(ctx context.Context, cfg Config, w *watched) *metrics.Metrics {
	if cfg.MetricsAddr == "" {
		return nil
	}
	m := metrics.New()
	number := func(name, help string, t prometheus.ValueType, read func() float64) {
		m.Read(t, name, help, nil, func(set func(float64, ...string)) { set(read()) })
	}
	db := w.app.DB
	number("cmh_db_connections_in_use", "Connections to the database that a query has.", prometheus.GaugeValue, func() float64 { return float64(db.PoolStats().InUse) })
	number("cmh_db_connections_idle", "Connections to the database that wait.", prometheus.GaugeValue, func() float64 { return float64(db.PoolStats().Idle) })
	number("cmh_db_connections_max", "Connections to the database that there may be.", prometheus.GaugeValue, func() float64 { return float64(db.PoolStats().Most) })
	number("cmh_db_waits_total", "Queries that had to wait for a connection.", prometheus.CounterValue, func() float64 { return float64(db.PoolStats().Waits) })
	number("cmh_db_acquire_seconds_total", "Time in which queries got their connections.", prometheus.CounterValue, func() float64 { return db.PoolStats().WaitSeconds })

	stats := lately(func() (app.Stats, error) {
		ctx, cancel := context.WithTimeout(ctx, statsGrace)
		defer cancel()
		return w.app.Stats(ctx)
	})
	m.Read(prometheus.GaugeValue, "cmh_labs_running", "Lab sessions that run on this machine.", nil, func(set func(float64, ...string)) {
		if s, err := stats(); err == nil {
			set(float64(s.Labs))
		}
	})
	m.Read(prometheus.GaugeValue, "cmh_jobs", "Jobs of the queue that all servers share, by state.", []string{"state"}, func(set func(float64, ...string)) {
		if s, err := stats(); err == nil {
			for state, n := range s.Jobs {
				set(float64(n), state)
			}
		}
	})
	m.Gauge("cmh_up", "Whether the database answers.", func() float64 {
		if _, err := stats(); err != nil {
			return 0
		}
		return 1
	})
	number("cmh_requests_uncounted_total", "Requests that no quota has counted, because the database was away.", prometheus.CounterValue, func() float64 { return float64(w.app.Uncounted()) })
	number("cmh_requests_uncountable_total", "Requests that were refused, because the database was too busy to count them.", prometheus.CounterValue, func() float64 { return float64(w.app.Uncountable()) })
	m.Gauge("cmh_labs_queued", "Starts of labs that wait for their turn.", func() float64 { n, _ := w.app.LabsQueued(); return float64(n) })
	m.Gauge("cmh_labs_starting", "Labs that are being started.", func() float64 { _, n := w.app.LabsQueued(); return float64(n) })
	if w.warm != nil {
		m.Gauge("cmh_labs_warm", "Sandboxes that wait for their learners.", func() float64 { return float64(w.warm.Waiting()) })
	}
	m.Gauge("cmh_event_streams", "Clients that follow the events of a lab.", func() float64 { return float64(w.app.Streams()) })
	count := func() (connections, sessions int) {
		if g := w.gateway.Load(); g != nil {
			return g.Count()
		}
		return 0, 0
	}
	m.Gauge("cmh_ssh_connections", "Clients connected by SSH.", func() float64 { n, _ := count(); return float64(n) })
	m.Gauge("cmh_ssh_sessions", "Sessions of SSH clients.", func() float64 { _, n := count(); return float64(n) })
	return m
}

// lately asks at most once in a while, however many look.
func lately[T any](ask func() (T, error)) func() (T, error) {
	var (
		mu    sync.Mutex
		asked time.Time
		last  T
		err   error
	)
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); asked.IsZero() || now.Sub(asked) > statsLife {
			last, err = ask()
			asked = time.Now()
		}
		return last, err
	}
}

// serveMetrics answers on an address of its own, which strangers don't reach.
func serveMetrics(ctx context.Context, l net.Listener, m *metrics.Metrics) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	return serveAside(ctx, l, mux)
}

// serveAside serves what is not the API until ctx is done.
func serveAside(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
