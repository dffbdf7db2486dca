package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// What is served and what is written down are the same operations.
func TestDocumentNamesEveryRoute(t *testing.T) {
	t.Parallel()
	var documented []string
	for path, item := range apitest.Document(t).Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(documented, httpapi.Operations(&app.App{})); diff != "" {
		t.Errorf("docs/openapi.yaml (-) and the route table (+) differ:\n%s", diff)
	}
}

func TestOtherBaseServesTheSame(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	for _, base := range []string{"/v1", "/api/v1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+base+"/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", base, resp.Status)
		}
	}
}

// Whoever asks again and again whether a server has started fills nobody's log
// with errors.
func TestAStartIsNoError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := &app.App{}
	a.Starting.Store(true)
	api := httptest.NewServer(httpapi.New(a, slog.New(slog.NewTextHandler(&log, nil))))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	api.Close() // and with it, all writing to the log
	if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("%s, and the log says:\n%s", resp.Status, log.String())
	}
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	if s := send(t, api, "GET", "/readyz", "", "").status; s != http.StatusOK {
		t.Fatalf("ready: %d", s)
	}
	api.App.DB.Pool().Close()
	got := send(t, api, "GET", "/readyz", "", "")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"unavailable"`) {
		t.Errorf("without a database: %d %s", got.status, got.body)
	}
	if s := send(t, api, "GET", "/healthz", "", "").status; s != http.StatusOK {
		t.Errorf("alive: %d", s)
	}
}

// response is an answer read whole.
type response struct {
	status int
	header http.Header
	body   string
}

// send makes a request by hand. A token is "Bearer ..." or nothing; a body is
// JSON.
func send(t testing.TB, api *apitest.API, method, path, token, body string, headers ...string) response {
	t.Helper()
	return sendContext(t.Context(), t, api, method, path, token, body, headers...)
}

func sendContext(ctx context.Context, t testing.TB, api *apitest.API, method, path, token, body string, headers ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, api.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(resp.Body, 1<<24)); err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, b.String()}
}
