package httpapi_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func TestBodiesThatCannotWork(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	good := `{"email":"a@example.com","username":"ada","password":"plenty of words"`
	for name, tt := range map[string]struct {
		body    string
		status  int
		pointer string
	}{
		"empty":       {``, 415, ""},
		"cut off":     {good, 400, ""},
		"not JSON":    {`email=a`, 400, ""},
		"trailing":    {good + `} {}`, 400, ""},
		"unknown":     {good + `,"admin":true}`, 422, "/admin"},
		"twice":       {good + `,"email":"b@example.com"}`, 422, "/email"},
		"case":        {`{"Email":"a@example.com"}`, 422, "/Email"},
		"wrong kind":  {`{"email":7}`, 422, "/email"},
		"null":        {`{"email":null}`, 422, "/email"},
		"list":        {`[]`, 422, ""},
		"NUL":         {`{"email":"a\u0000@example.com"}`, 422, "/email"},
		"deep":        {`{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, 422, "/x"},
		"not UTF-8":   {"{\"email\":\"\xff\"}", 422, ""},
		"half a pair": {`{"email":"a\ud83d@example.com"}`, 422, ""},
		"half a name": {`{"\udc00":1}`, 422, ""},
		"two halves":  {`{"email":"\\\ud83d\ud83d"}`, 422, ""},
		"a megabyte+": {`{"email":"` + strings.Repeat("a", 1<<20) + `"}`, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, api, "POST", "/v1/auth/register", "", tt.body)
			var p struct {
				Code   hub.Code         `json:"code"`
				Errors []hub.FieldError `json:"errors"`
			}
			if err := json.Unmarshal([]byte(got.body), &p); err != nil {
				t.Fatal(err)
			}
			if got.status != tt.status || p.Code != hub.Invalid || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, want %d", got.status, got.body, tt.status)
			}
			if tt.status == 422 && (len(p.Errors) != 1 || p.Errors[0].Pointer != tt.pointer) {
				t.Errorf("points at %v, want %q", p.Errors, tt.pointer)
			}
		})
	}
	if got := send(t, api, "PUT", "/v1/users/preferences", api.Token(t, api.User(t, hub.Free)), `{"whole":"\ud83d\ude00","no escape":"\\ud83d"}`); got.status != http.StatusOK || !strings.Contains(got.body, "😀") {
		t.Errorf("a whole pair: %d %s", got.status, got.body)
	}
	if got := send(t, api, "POST", "/v1/auth/register", "", good+"}", "Content-Type", "text/plain"); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("as text/plain: %d", got.status)
	}
	if got := send(t, api, "PUT", "/v1/users/profile", api.Token(t, api.User(t, hub.Free)), `{"profile":{"bio":7}}`); !strings.Contains(got.body, `"/profile/bio"`) {
		t.Errorf("a nested field: %s", got.body)
	}
}

func TestRoutingIsStrict(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Free))
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"DELETE", "/v1/users/profile", 405},
		{"POST", "/healthz", 405},
		{"GET", "/v1/users/profile/", 404},
		{"GET", "/v1//users/profile", 404},
		{"GET", "/V1/users/profile", 404},
		{"GET", "/v1/users/%2e%2e/users/profile", 404},
		{"GET", "/v1/nothing", 404},
		{"GET", "/v1/courses/%00", 400},
		{"GET", "/v1/courses/%ff%fe", 400},
		{"GET", "/v1/courses/" + strings.Repeat("a", 8192), 414},
		{"GET", "/v1/courses?q=%1b%5d", 400},
		{"HEAD", "/v1/users/profile", 200},
	} {
		got := send(t, api, tt.method, tt.path, token, "", "X-HTTP-Method-Override", "GET")
		if got.status != tt.status {
			t.Errorf("%s %.40s: %d %s, want %d", tt.method, tt.path, got.status, got.body, tt.status)
		}
		if tt.status >= 400 && got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %.40s: not a problem but %q", tt.method, tt.path, got.header.Get("Content-Type"))
		}
	}
}

func TestEveryAnswerIsNamedAndGuarded(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	guarded := func(what string, got response) {
		t.Helper()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", what, name, got.header.Get(name))
			}
		}
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %q", what, policy)
		}
		if got.header.Get("X-Request-Id") == "" || got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", what, got.header)
		}
	}
	token := api.Token(t, api.User(t, hub.Free))
	for _, d := range contract(t) {
		for _, with := range []string{"", token} {
			if d.method == http.MethodGet || with == "" {
				guarded(d.name, send(t, api, d.method, d.at(nowhere()), with, "", "Origin", "https://evil.example"))
			}
		}
	}
	guarded("nothing", send(t, api, "GET", "/nothing", "", ""))
}

// A token that is no token is refused: whoever sends one believes to be
// signed in.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	real := api.Token(t, api.User(t, hub.Free))
	head, rest, _ := strings.Cut(real, ".")
	body, _, _ := strings.Cut(rest, ".")
	for name, token := range map[string]string{
		"nothing": " ", "text": "hello", "no signature": head + "." + body + ".",
		"alg none":   "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + body + ".",
		"alg HS256":  "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9." + body + ".AAAA",
		"other type": "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9." + rest,
		"changed":    head + "." + body[:len(body)-4] + "AAAA." + strings.TrimPrefix(rest, body+"."),
		"huge":       strings.Repeat("a", 20000),
	} {
		if got := send(t, api, "GET", "/v1/courses", token, ""); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	ada := api.User(t, hub.Free)
	token := api.Token(t, ada)
	key := func(comment string) string {
		return `{"public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ` + comment + `"}`
	}
	answers := make([]response, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = send(t, api, "POST", "/v1/users/keys", token, key("a"), "Idempotency-Key", "one") })
	}
	wg.Wait()
	var first string
	for _, a := range answers {
		switch {
		case a.status == http.StatusConflict && strings.Contains(a.body, "still running"):
		case a.status == http.StatusCreated && (first == "" || first == a.body):
			first = a.body
		default:
			t.Errorf("in parallel: %d %s", a.status, a.body)
		}
	}
	if got := send(t, api, "POST", "/v1/users/keys", token, key("a"), "Idempotency-Key", "one"); got.body != first || got.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("repeated: %d %s, want %s", got.status, got.body, first)
	}
	if got := send(t, api, "POST", "/v1/users/keys", token, key("b"), "Idempotency-Key", "one"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d %s", got.status, got.body)
	}
	if ks, err := ada.Keys(t.Context()); err != nil || len(ks) != 1 {
		t.Errorf("%d keys, %v", len(ks), err)
	}
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	first := send(t, api, "GET", "/v1/openapi.yaml", "", "", "Accept-Encoding", "gzip")
	if first.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("not compressed: %v", first.header)
	}
	again := send(t, api, "GET", "/v1/openapi.yaml", "", "", "If-None-Match", first.header.Get("ETag"))
	if again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("again: %d, %d bytes", again.status, len(again.body))
	}
}

// Half a request keeps nobody waiting: the answer comes while the rest of the
// body is still owed.
func TestRefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(api.Direct(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /v1/users/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nonsense\r\nContent-Type: application/json\r\nContent-Length: 400000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 401" {
		t.Errorf("got %q, %v", b, err)
	}
}

// A body without an end is not read to its end: what is too much is told while
// the rest is still to come, and the connection is closed.
func TestTooMuchIsNotReadOn(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(api.Direct(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "POST /v1/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string)
	go func() {
		b := make([]byte, 12)
		_, _ = io.ReadFull(c, b)
		answered <- string(b)
	}()
	chunk := "10000\r\n" + strings.Repeat(" ", 0x10000) + "\r\n"
	taken := 0
	for taken < 64<<20 {
		n, err := io.WriteString(c, chunk)
		taken += n
		if err != nil { // closed
			break
		}
	}
	if taken > 16<<20 {
		t.Errorf("%d bytes were taken", taken)
	}
	if got := <-answered; got != "HTTP/1.1 413" {
		t.Errorf("answered %q", got)
	}
}
