package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/server/internal/metrics"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for range 3 {
		m.Request("GET", "/v1/courses/:course", 200, 3*time.Millisecond)
	}
	m.Request("GET", "/v1/courses/:course", 404, time.Millisecond)
	m.Job("forget", nil, time.Second)
	m.Gauge("cmh_labs", "", func() float64 { return 7 })
	got := scrape(t, m)
	for _, want := range []string{
		`cmh_http_requests_total{method="GET",route="/v1/courses/:course",status="200"} 3`,
		`cmh_http_requests_total{method="GET",route="/v1/courses/:course",status="404"} 1`,
		`cmh_http_request_duration_seconds_count{method="GET",route="/v1/courses/:course"} 4`,
		`cmh_jobs_worked_total{kind="forget",outcome="done"} 1`,
		"cmh_labs 7", "go_goroutines", "process_resident_memory_bytes", `cmh_build_info{version=`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%.4000s", want, got)
		}
	}
}

// Whatever strangers ask for, the number of rows stays small.
func TestStrangersMakeNoRows(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Request("GET", "", 404, 0)
	m.Request("MADE-UP", "", 405, 0)
	before := strings.Count(scrape(t, m), "\n")
	for i := range 1000 {
		m.Request(fmt.Sprint("METHOD", i), "", 405, 0)
	}
	if after := strings.Count(scrape(t, m), "\n"); after != before {
		t.Errorf("%d lines became %d", before, after)
	}
}

// Nobody is counted where nobody looks.
func TestNobodyCounts(t *testing.T) {
	t.Parallel()
	var m *metrics.Metrics
	m.Request("GET", "/", 200, 0)
	m.Job("forget", nil, 0)
}

func BenchmarkRequest(b *testing.B) {
	m := metrics.New()
	b.ReportAllocs()
	for b.Loop() {
		m.Request("GET", "/v1/courses/:course/lessons/:lesson", 200, time.Millisecond)
	}
}
