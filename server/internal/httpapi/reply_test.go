package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// The lines that a connection of ours puts into a head say what net/http would
// have said, whatever is answered.
func TestHeadsAreTheSameOnEveryConnection(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.Limits = app.Limits{Guest: 1000, Free: 1000, SignIn: 1000} })
	newAuthor(t, api, hub.Instructor).publish(t, "a-course")
	token := api.Token(t, api.User(t, hub.Free))
	h := httpapi.New(api.App, api.App.Log, httpapi.Origins("https://app.example.com"))
	usual := httptest.NewServer(h)
	defer usual.Close()
	ours := httptest.NewUnstartedServer(h)
	ours.Listener, ours.Config.ConnContext = httpapi.Gather(ours.Listener), httpapi.OnConn
	ours.Start()
	defer ours.Close()

	for _, tt := range []struct{ method, path, headers, body string }{
		{"GET", "/v1/courses", "", ""},
		{"GET", "/v1/courses", "Accept-Encoding: gzip\r\n", ""},
		{"GET", "/v1/courses", "Accept-Encoding: gzip\r\n", ""},
		{"GET", "/v1/courses", "Accept-Encoding: gzip\r\nIf-None-Match: *\r\n", ""},
		{"HEAD", "/v1/courses", "Accept-Encoding: gzip\r\n", ""},
		{"GET", "/v1/courses?limit=1", "Origin: https://app.example.com\r\n", ""},
		{"GET", "/v1/courses/a-course", "Authorization: Bearer " + token + "\r\n", ""},
		{"GET", "/v1/users/profile", "Authorization: Bearer " + token + "\r\n", ""},
		{"GET", "/v1/users/profile", "", ""},
		{"GET", "/v1/docs", "", ""},
		{"GET", "/v1/docs/docs.css", "Accept-Encoding: zstd\r\n", ""},
		{"GET", "/healthz", "", ""},
		{"GET", "/verify", "", ""},
		{"GET", "/nothing", "", ""},
		{"PUT", "/v1/courses", "", ""},
		{"OPTIONS", "/v1/courses", "Origin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n", ""},
		{"POST", "/v1/auth/login", "Content-Type: application/json\r\n", `{"email":"a@example.com","password":"not this one"}`},
		{"POST", "/v1/auth/logout", "Content-Type: application/json\r\nExpect: 100-continue\r\n", `{"refresh_token":"cmhr_x"}`},
		{"GET", "/v1/courses?q=%00", "", ""},
	} {
		var heads [2]http.Header
		var bodies [2]string
		for i, srv := range []*httptest.Server{usual, ours} {
			req := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: the-same\r\nContent-Length: %d\r\n%s\r\n%s", tt.method, tt.path, len(tt.body), tt.headers, tt.body)
			heads[i], bodies[i] = exchange(t, srv.URL, tt.method, req)
		}
		for _, h := range heads {
			h.Del("Date")
			h.Del("Ratelimit") // counts on
			slices.Sort(h["Vary"])
		}
		if d := cmp.Diff(heads[0], heads[1]); d != "" || bodies[0] != bodies[1] {
			t.Errorf("%s %s %q: -usual +ours:\n%s\n%.300q\n%.300q", tt.method, tt.path, tt.headers, d, bodies[0], bodies[1])
		}
		if heads[1].Get("X-Content-Type-Options") != "nosniff" || heads[1].Get("X-Request-Id") != "the-same" {
			t.Errorf("%s %s: %v", tt.method, tt.path, heads[1])
		}
	}
}

// exchange makes one request twice on one connection: the second shows that
// nothing of the first answer was left over. It returns the second answer.
func exchange(t *testing.T, addr, method, req string) (head http.Header, body string) {
	t.Helper()
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range 2 {
		if _, err := io.WriteString(c, req); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		for err == nil && resp.StatusCode == http.StatusContinue {
			resp, err = http.ReadResponse(in, &http.Request{Method: method})
		}
		if err != nil {
			t.Fatalf("%q: %v", req, err)
		}
		all, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%q: %v", req, err)
		}
		_ = resp.Body.Close()
		head, body = resp.Header, string(all)
		if resp.Close {
			break
		}
	}
	return head, body
}

// Browsers are told to come by TLS alone when somebody did.
func TestOnlyTLSIsStrict(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1"} })
	h := httpapi.New(api.App, api.App.Log)
	for _, tt := range []struct {
		peer, proto string
		want        bool
	}{
		{"10.1.2.3:4", "https", true},
		{"192.0.2.1:4", "https", true},
		{"10.1.2.3:4", "http", false},
		{"10.1.2.3:4", "", false},
		{"203.0.113.9:4", "https", false}, // anybody may say so
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
		if req.RemoteAddr = tt.peer; tt.proto != "" {
			req.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != tt.want {
			t.Errorf("%s, %q: %v, want %v", tt.peer, tt.proto, got, tt.want)
		}
	}
}
