package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// A request of the caller's own has the client's token, at the client's address,
// and what they gave for the rest.
func TestRaw(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.Header().Set("Link", `<https://evil.example/v1/courses?cursor=next>; rel="next"`)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(srv.Close)
	c := client.New(srv.URL+"/hub", client.Token("mine"))
	a, err := c.Raw(t.Context(), client.Request{
		Method: http.MethodPost, Path: "/v1/a%2Fb?x=1&x=2", Header: http.Header{"content-type": {"text/csv"}, "X-Mine": {"a", "b"}}, Body: []byte("1,2"),
	})
	if err != nil || string(a.Body) != "answer" || a.Status != 200 || a.Proto != "HTTP/1.1" || a.Next() != "next" {
		t.Fatal(a, err)
	}
	if got.RequestURI != "/hub/v1/a%2Fb?x=1&x=2" || got.Host != strings.TrimPrefix(srv.URL, "http://") || body != "1,2" ||
		got.Header.Get("Authorization") != "Bearer mine" || got.Header.Get("Content-Type") != "text/csv" ||
		len(got.Header["X-Mine"]) != 2 || len(got.Header.Get("Idempotency-Key")) < 20 {
		t.Errorf("%s to %s of %q: %v", got.RequestURI, got.Host, body, got.Header)
	}
	if _, err := c.Raw(t.Context(), client.Request{Method: http.MethodPost, Path: "/v1/x", Header: http.Header{"Idempotency-Key": {"k"}}}); err != nil || got.Header.Get("Idempotency-Key") != "k" {
		t.Error(err, got.Header)
	}

	got = nil
	for name, r := range map[string]client.Request{
		"an address":           {Path: "https://evil.example/v1"},
		"another host":         {Path: "//evil.example/v1"},
		"a user":               {Path: "//a:b@evil.example/"},
		"an opaque one":        {Path: "mailto:x"},
		"up":                   {Path: "/v1/../../x"},
		"up, in disguise":      {Path: "/v1/%2e%2E/x"},
		"no slash":             {Path: "v1/x"},
		"nothing":              {},
		"a fragment":           {Path: "/v1/x#y"},
		"a line break":         {Path: "/v1/x\r\nHost: evil.example"},
		"a token":              {Path: "/v1/x", Header: http.Header{"authorization": {"Bearer x"}}},
		"a host":               {Path: "/v1/x", Header: http.Header{"HOST": {"evil.example"}}},
		"a cookie":             {Path: "/v1/x", Header: http.Header{"Cookie": {"a=b"}}},
		"a length":             {Path: "/v1/x", Header: http.Header{"Content-Length": {"1"}}},
		"a name that is two":   {Path: "/v1/x", Header: http.Header{"X: y\r\nHost": {"z"}}},
		"a value that is two":  {Path: "/v1/x", Header: http.Header{"X": {"y\r\nHost: z"}}},
		"a body that is read":  {Path: "/v1/x", Body: []byte("{}")},
		"another kind of verb": {Path: "/v1/x", Method: "CONNECT"},
		"a verb that is two":   {Path: "/v1/x", Method: "GET / HTTP/1.1\r\nX:"},
	} {
		if r.Method == "" {
			r.Method = http.MethodGet
		}
		if _, err := c.Raw(t.Context(), r); hub.CodeOf(err) != hub.Invalid || got != nil {
			t.Errorf("%s: %v, sent %v", name, err, got)
		}
	}
}

// What isn't done twice alike isn't asked for twice, unless there is a key by which
// the hub knows it again.
func TestRawRepeats(t *testing.T) {
	t.Parallel()
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(srv.Close)
	if _, err := client.New(srv.URL).Raw(t.Context(), client.Request{Method: http.MethodPatch, Path: "/v1/x"}); hub.CodeOf(err) != hub.Unavailable || asked != 1 {
		t.Errorf("PATCH was asked for %d times: %v", asked, err)
	}
}

// The cache is for those who go on offline: an answer is asked for, whole, and an
// unchanged one is told to whoever said what they have.
func TestRawAndTheCache(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(srv.Close)
	c := client.New(srv.URL, client.Keep(all{}))
	for range 2 {
		if a, err := c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/v1/courses"}); err != nil || string(a.Body) != "[]" {
			t.Fatal(a, err)
		}
	}
	a, err := c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/v1/courses", Header: http.Header{"If-None-Match": {`"1"`}}})
	if err != nil || a.Status != http.StatusNotModified {
		t.Fatal(a, err)
	}
	away := client.New(srv.URL, client.Keep(all{}), client.Away())
	if a, err := away.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/v1/courses"}); hub.CodeOf(err) != hub.Unavailable || a.Status != 0 {
		t.Error(a, err)
	}
}

// all is a cache that has everything.
type all struct{}

func (all) Get(string, string) (client.Kept, bool) {
	return client.Kept{ETag: `"1"`, Body: []byte("[]")}, true
}
func (all) Put(string, string, client.Kept)  {}
func (all) Verified(string, string)          {}
func (all) Refused(string, string, hub.Code) {}

// What a refusal says comes with it, and so does what GraphQL says with status 200.
func TestRawRefusals(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			w.Header().Set("Location", "http://169.254.169.254/")
			w.WriteHeader(http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"code":"conflict","detail":"Taken."}`)
	}))
	t.Cleanup(srv.Close)
	c := client.New(srv.URL)
	a, err := c.Raw(t.Context(), client.Request{Method: http.MethodPut, Path: "/v1/x"})
	if hub.CodeOf(err) != hub.Conflict || a.Status != 409 || !strings.Contains(string(a.Body), "Taken.") {
		t.Error(a, err)
	}
	if a, err := c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/moved"}); hub.CodeOf(err) != hub.Internal || a.Status != 302 {
		t.Error(a, err)
	}
	for body, want := range map[string]hub.Code{
		`{"data":null,"errors":[{"message":"No.","extensions":{"code":"forbidden"}}]}`: hub.Forbidden,
		`{"errors":[{"message":"No.","extensions":{"code":"teapot"}}]}`:                hub.Internal,
		`{"errors":[{}]}`: hub.Internal,
		`{"data":{}}`:     "",
		`[]`:              "",
	} {
		if err := (client.Answer{Body: []byte(body)}).GraphError(); hub.CodeOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}
