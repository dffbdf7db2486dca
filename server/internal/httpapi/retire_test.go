package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// What will go says so in each of its answers, refusals included, and what stays
// doesn't.
func TestRetirementIsAnnounced(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	h := api{
		app: &app.App{}, log: slog.New(slog.DiscardHandler), showcase: &showcase{},
		retiring: map[string]retirement{"GET /v1/version": {since, since.AddDate(0, 6, 0), "https://hub.example.com/changes"}},
	}
	srv := h.engine()
	for path, told := range map[string]bool{"/v1/version": true, "/api/v1/version": true, "/v1/openapi.yaml": false} {
		for _, token := range []string{"", "Basic nothing"} {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if token != "" {
				req.Header.Set("Authorization", token)
			}
			rec := httptest.NewRecorder()
			srv.ServeHTTP(rec, req)
			want := map[string]string{}
			if told {
				want = map[string]string{"Deprecation": "@1772323200", "Sunset": "Tue, 01 Sep 2026 00:00:00 GMT", "Link": `<https://hub.example.com/changes>; rel="deprecation"`}
			}
			for _, name := range []string{"Deprecation", "Sunset", "Link"} {
				if got := rec.Header().Get(name); got != want[name] {
					t.Errorf("%s with %q: %s is %q, want %q", path, token, name, got, want[name])
				}
			}
		}
	}
}

// The document and the table name the same operations, and none goes sooner
// than promised.
func TestRetirementsKeepThePromise(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	left := map[string]retirement{}
	for name, r := range retiring {
		left[name] = r
		if r.Until.Before(r.Since.AddDate(0, 6, 0)) {
			t.Errorf("%s goes within six months of being deprecated", name)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if _, ok := left[name]; ok != op.Deprecated {
				t.Errorf("%s: deprecated in docs/openapi.yaml is %v, and retiring in retire.go %v", name, op.Deprecated, ok)
			}
			delete(left, name)
		}
	}
	for name := range left {
		t.Errorf("%s is in retire.go, and no operation", name)
	}
}
