// Package metrics counts what operators watch, for Prometheus. It knows names
// and numbers; what they are numbers of, its callers read. Every label has a
// bounded set of values: nothing that a request says is one.
package metrics

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloudmastershub/cmh/client"
)

// Metrics is safe for concurrent use. A nil one counts nothing, for free.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	jobs     *prometheus.CounterVec
	jobTook  *prometheus.HistogramVec

	// What each kind of request is counted by. There are a few hundred kinds and
	// each is met for the first time once, so the map is copied and never locked.
	mu    sync.Mutex
	known atomic.Pointer[map[kind]counted]
}

// kind is one row of what is counted about requests.
type kind struct {
	method, route string
	status        int
}

type counted struct {
	requests prometheus.Counter
	took     prometheus.Observer
}

// buckets are seconds: from an answer out of memory to a lab's check.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}

// New counts from zero, with what Go and the process itself have to say.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmh_http_requests_total", Help: "Requests answered, by route and status. A route of none is an address that does not exist.",
		}, []string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmh_http_request_duration_seconds", Help: "How long answers took, by route. Event streams count until they end.", Buckets: buckets,
		}, []string{"method", "route"}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cmh_jobs_worked_total", Help: "Background jobs that this server has worked, by kind and outcome (done, failed).",
		}, []string{"kind", "outcome"}),
		jobTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cmh_job_duration_seconds", Help: "How long background jobs took, by kind.", Buckets: buckets,
		}, []string{"kind"}),
	}
	m.known.Store(&map[kind]counted{})
	m.registry.MustRegister(
		m.requests, m.took, m.jobs, m.jobTook,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.Read(prometheus.GaugeValue, "cmh_build_info", "Always 1; the version is the label.", []string{"version"}, func(set func(float64, ...string)) {
		set(1, client.Version)
	})
	return m
}

// standard is what a label may say of a method: anybody may ask with one of
// their own.
func standard(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// Request counts one answer. route is the pattern, not the address; empty where
// there is none.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	k := kind{standard(method), route, status}
	c, ok := (*m.known.Load())[k]
	if !ok {
		c = m.meet(k)
	}
	c.requests.Inc()
	c.took.Observe(took.Seconds())
}

// meet makes a row for a kind of request that was not counted before.
func (m *Metrics) meet(k kind) counted {
	route := k.route
	if route == "" {
		route = "none"
	}
	c := counted{m.requests.WithLabelValues(k.method, route, statusText(k.status)), m.took.WithLabelValues(k.method, route)}
	m.mu.Lock()
	defer m.mu.Unlock()
	more := maps.Clone(*m.known.Load())
	more[k] = c
	m.known.Store(&more)
	return c
}

// statusText is a status of three digits, and "other" for what is none.
func statusText(n int) string {
	if n < 100 || n > 599 {
		return "other"
	}
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// Job counts one piece of background work.
func (m *Metrics) Job(kind string, err error, took time.Duration) {
	if m == nil {
		return
	}
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.jobs.WithLabelValues(kind, outcome).Inc()
	m.jobTook.WithLabelValues(kind).Observe(took.Seconds())
}

// Read adds numbers that are read whenever somebody looks. read calls set once
// for each combination of labels; for none when it doesn't know.
func (m *Metrics) Read(t prometheus.ValueType, name, help string, labels []string, read func(set func(v float64, labels ...string))) {
	m.registry.MustRegister(reading{prometheus.NewDesc(name, help, labels, nil), t, read})
}

// Gauge adds one number that may rise and fall.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.Read(prometheus.GaugeValue, name, help, nil, func(set func(float64, ...string)) { set(read()) })
}

type reading struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(func(float64, ...string))
}

// Describe names the one metric.
func (r reading) Describe(to chan<- *prometheus.Desc) { to <- r.desc }

// Collect reads it.
func (r reading) Collect(to chan<- prometheus.Metric) {
	r.read(func(v float64, labels ...string) { to <- prometheus.MustNewConstMetric(r.desc, r.kind, v, labels...) })
}

// Handler answers with everything. Who may ask is the caller's to decide: on an
// open port it would tell strangers how the hub is doing.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 0})
}
