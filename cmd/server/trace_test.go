package main

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A collector of traces gets a span of each request and of each statement that
// it made, as part of the caller's trace, and no word of what people said.
func TestTracesReachACollector(t *testing.T) {
	t.Parallel()
	var (
		mu    sync.Mutex
		spans []*trace.Span
		all   strings.Builder
	)
	otlp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		var got collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		mu.Lock()
		defer mu.Unlock()
		all.WriteString(got.String())
		for _, of := range got.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				spans = append(spans, scope.Spans...)
			}
		}
	}))
	defer otlp.Close()
	s := onDatabase(t, database(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+otlp.URL, "OTEL_BSP_SCHEDULE_DELAY=100", "CMH_LOG_LEVEL=info")
	s.start()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	fetch(t, "POST", s.url+"/v1/auth/register", `{"email":"ada@example.com","username":"ada","password":"`+password+`"}`, "traceparent", "00-"+id+"-00f067aa0ba902b7-01")
	s.stop() // which sends the rest
	mu.Lock()
	defer mu.Unlock()
	var request *trace.Span
	for _, sp := range spans {
		if sp.Name == "POST /v1/auth/register" {
			request = sp
		}
	}
	if request == nil || hex.EncodeToString(request.TraceId) != id || hex.EncodeToString(request.ParentSpanId) != "00f067aa0ba902b7" {
		t.Fatalf("the request's span is %v of %d", request, len(spans))
	}
	statements := 0
	for _, sp := range spans {
		if string(sp.TraceId) == string(request.TraceId) && string(sp.ParentSpanId) == string(request.SpanId) && sp.Name == "postgres" {
			statements++
		}
	}
	if statements < 2 {
		t.Errorf("it has %d statements", statements)
	}
	for _, word := range []string{"ada@example.com", password, "127.0.0.1:"} {
		if strings.Contains(all.String(), word) {
			t.Errorf("a span says %q", word)
		}
	}
	if !strings.Contains(all.String(), "cmh-server") {
		t.Error("no span says of which service it is")
	}
	if !strings.Contains(s.log.String(), `"trace_id":"`+id+`"`) {
		t.Errorf("the log doesn't name the trace:\n%s", &s.log)
	}
}
