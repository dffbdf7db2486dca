package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Whatever is asked, by whomever, the answer is one that the contract describes
// (apitest looks at each), and none of them is a failure of ours. CMH_SEED makes
// up others.
func TestMadeUpRequests(t *testing.T) {
	t.Parallel()
	count, seed := 1500, uint64(1)
	if os.Getenv("CMH_TEST_THOROUGH") != "" {
		count = 10_000
	}
	if s := os.Getenv("CMH_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	h := newLabHub(t, func(a *app.App) { a.Limits = app.Limits{} })
	newAuthor(t, h.API, hub.Instructor).publish(t, "open")
	m := apitest.NewMaker(t, seed, func(name string) bool {
		return name != "GET /v1/labs/{lab}/events" // which never ends, and has tests of its own
	})
	for name, values := range map[string][]string{
		"course": {"open", "tools", "paid"}, "lesson": {"start", "the-shell"}, "lab": {"files", "more", "third", "secrets", "reading", "open-lab"}, "course_id": {"open", "tools"}, "lesson_id": {"start"},
		"asset": {"docs.js"}, "step": {"1", "2"}, "q": {"shell", "files", "zzz"}, "username": {"ada", "grace"}, "password": {apitest.Password}, "current_password": {apitest.Password}, "cursor": {"x"},
		"public_key": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDUiEPQaVuLGsRHvRGqqSLqcNvPJiPxFJ5Q4lZvBwKJl"}, "answer": {"look", "approve"}, "archive": {archiveOf(t)},
	} {
		m.Known[name] = values
	}
	who := newTroupe(t, h.API)
	seen, statuses := map[string]int{}, map[int]int{}
	for n := range count {
		r := m.Next(n)
		part := n / m.Operations() // so that each operation meets each of them
		got := who.ask(t, r, part)
		seen[r.Operation]++
		statuses[got.status]++
		names503 := strings.HasPrefix(got.header.Get("Content-Type"), "application/problem+json") && got.header.Get("Retry-After") != ""
		if got.status >= 500 && (got.status != http.StatusServiceUnavailable || !names503) {
			t.Errorf("request %d of seed %d, by %s: %s %s\n%v\n%.500q\nis answered %d %.500s", n, seed, who.role(part), r.Method, r.Target, r.Header, r.Body, got.status, got.body)
		}
		if got.status < 300 {
			m.Learn(got.body)
		}
	}
	fine := 0
	for status, n := range statuses {
		if status < 400 {
			fine += n
		}
	}
	t.Logf("%d requests to %d operations: %v", count, len(seen), statuses)
	if !t.Failed() && (fine < count/8 || len(seen) != m.Operations()) {
		t.Errorf("%d of %d requests came to anything, and %d of %d operations were asked for: they are made up badly", fine, count, len(seen), m.Operations())
	}
}

// archiveOf is a small import.
func archiveOf(t *testing.T) string {
	t.Helper()
	return packed(t, map[string]string{
		"small/one/index.json": `{"title":"One","details":{"steps":[{"title":"S","text":"step.md"}]},"backend":{"imageid":"ubuntu"}}`,
		"small/one/step.md":    "Go.",
	})
}

// A troupe is who asks: every role, a key, and somebody with a token that is none.
// Whoever signs out, closes the account or the like is followed by another one.
type troupe struct {
	api    *apitest.API
	tokens map[int]string
}

func newTroupe(t *testing.T, api *apitest.API) *troupe {
	t.Helper()
	return &troupe{api, map[int]string{}}
}

var parts = []string{"guest", "free", "premium", "instructor", "admin", "key", "nobody"}

func (c *troupe) role(part int) string { return parts[part%len(parts)] }

func (c *troupe) token(t *testing.T, part int) string {
	t.Helper()
	part %= len(parts)
	if c.tokens[part] != "" {
		return c.tokens[part]
	}
	switch parts[part] {
	case "guest":
		return ""
	case "nobody":
		return "cmh_nonsense"
	case "key":
		made, err := c.api.User(t, hub.Instructor).CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.CoursesRead, hub.ProgressWrite, hub.LabsRun, hub.AccountWrite, hub.Authoring}})
		if err != nil {
			t.Fatal(err)
		}
		c.tokens[part] = made.Token
	default:
		c.tokens[part] = c.api.Token(t, c.api.User(t, access.Roles[part]))
	}
	return c.tokens[part]
}

func (c *troupe) ask(t *testing.T, r apitest.Request, part int) response {
	t.Helper()
	token := c.token(t, part)
	host := strings.TrimPrefix(c.api.URL, "http://")
	req := (&http.Request{
		Method: r.Method, URL: &url.URL{Scheme: "http", Host: host, Opaque: strings.SplitN(r.Target, "?", 2)[0]}, Host: host, Header: r.Header.Clone(),
		Body: io.NopCloser(bytes.NewReader([]byte(r.Body))), ContentLength: int64(len(r.Body)),
	}).WithContext(context.WithoutCancel(t.Context()))
	if _, q, ok := strings.Cut(r.Target, "?"); ok {
		req.URL.RawQuery = q
	}
	if r.Body == "" {
		req.Body = http.NoBody
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<24))
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		delete(c.tokens, part%len(parts))
	}
	return response{resp.StatusCode, resp.Header, string(body)}
}
