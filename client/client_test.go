package client_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// Whatever a server answers, the client returns a clean error in good time.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   hub.Code
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<h1>It works!</h1>")
		}, hub.Internal},
		"not JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{")
		}, hub.Internal},
		"another shape": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"id":7}`)
		}, hub.Internal},
		"an unknown code": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, `{"code":"teapot","detail":"short and stout"}`)
		}, hub.Internal},
		"a proxy's 502": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, hub.Unavailable},
		"a long patience": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999999")
			w.WriteHeader(503)
		}, hub.Unavailable},
		"a bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			block := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := z.Write(block); err != nil {
					return
				}
			}
			_ = z.Close()
		}, hub.Internal},
		"endless headers": {func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "X-More: "+strings.Repeat("x", 4096)+"\r\n")
		}, hub.Unavailable},
		"an endless body": {func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", strings.Repeat(" ", 1<<16))
		}, hub.Internal},
		"a promise of more": {func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000000000\r\n\r\n{", "")
		}, hub.Unavailable},
		"nested for ever": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, strings.Repeat("[", 1<<20))
		}, hub.Internal},
		"a hang-up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, hub.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.answer)
			t.Cleanup(srv.Close)
			_, err := client.New(srv.URL).Profile(t.Context())
			if hub.CodeOf(err) != tt.want {
				t.Errorf("got %q: %v", hub.CodeOf(err), err)
			}
		})
	}
}

// raw answers with bytes of its own, and then with more for as long as somebody
// listens.
func raw(w http.ResponseWriter, head, more string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for _, err = io.WriteString(conn, head); err == nil && more != ""; {
		_, err = io.WriteString(conn, more)
	}
}

func TestTokensGoNowhereElse(t *testing.T) {
	t.Parallel()
	var seen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Store(true) }))
	t.Cleanup(thief.Close)
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	t.Cleanup(srv.Close)
	_, err := client.New(srv.URL, client.Token("secret")).Profile(t.Context())
	if err == nil || seen.Load() {
		t.Errorf("followed: %v, %v", seen.Load(), err)
	}
	for _, base := range []string{"http://hub.example.com", "ftp://hub.example.com", "hub.example.com", "https://user:pw@hub.example.com", ""} {
		if _, err := client.New(base).Profile(t.Context()); hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestPolitePatience(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"1","username":%q}`, r.Header.Get("User-Agent"))
	}))
	t.Cleanup(srv.Close)
	begun := time.Now()
	u, err := client.New(srv.URL, client.UserAgent("patient")).Profile(t.Context())
	if err != nil || u.Username != "patient" || time.Since(begun) < time.Second {
		t.Errorf("after %s: %+v, %v", time.Since(begun), u, err)
	}
	_, err = client.New(srv.URL+"/v1/", client.Token("x")).Login(t.Context(), hub.Credentials{})
	if err != nil {
		t.Error(err)
	}
}

// A lost answer is asked for again, under the same name.
func TestLostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	keys := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		if len(keys) == 1 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":"k"}`)
	}))
	t.Cleanup(srv.Close)
	k, err := client.New(srv.URL).AddKey(t.Context(), hub.NewKey{PublicKey: "ssh-ed25519 AAAA"})
	if err != nil || k.ID != "k" {
		t.Fatalf("%+v, %v", k, err)
	}
	if a, b := <-keys, <-keys; a == "" || a != b {
		t.Errorf("asked under %q and %q", a, b)
	}
}

// A learner who gives up while the token is renewed stays signed in: the new one is
// kept all the same.
func TestRenewingIsNotGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/auth/refresh") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		cancel()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"new","refresh_token":"next"}`)
	}))
	t.Cleanup(srv.Close)
	kept := client.Memory(hub.Tokens{AccessToken: "old", RefreshToken: "r"})
	if _, err := client.New(srv.URL, client.Store(kept)).Profile(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Who changes them next comes after whoever is renewing them.
	now, _ := kept.Update(t.Context(), func(now hub.Tokens) (hub.Tokens, error) { return now, nil })
	if now.AccessToken != "new" || now.RefreshToken != "next" {
		t.Errorf("kept: %+v", now)
	}
}

// A hub is so slow to renew a sign-in that its caller has left: the program that
// settles before it ends keeps the new one, unless it is told to end.
func TestALateRenewalIsKept(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	late := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/auth/refresh") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		cancel()
		<-late
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"new","refresh_token":"next"}`)
	}))
	t.Cleanup(srv.Close)
	answer := sync.OnceFunc(func() { close(late) })
	t.Cleanup(answer)
	kept := client.Memory(hub.Tokens{AccessToken: "old", RefreshToken: "r"})
	c := client.New(srv.URL, client.Store(kept))
	c.Settle(t.Context()) // nothing
	if _, err := c.Profile(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.Settle(ctx) // over already
	if now, _ := kept.Load(t.Context()); now.AccessToken != "old" {
		t.Errorf("before the answer: %+v", now)
	}
	answer()
	c.Settle(t.Context())
	if now, _ := kept.Load(t.Context()); now.AccessToken != "new" || now.RefreshToken != "next" {
		t.Errorf("kept: %+v", now)
	}
	c.Settle(t.Context())
}

// An archive can be sent only once, so the token that has run out is renewed
// before it goes.
func TestImportRenewsTheTokenFirst(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, "/auth/refresh"):
			fmt.Fprint(w, `{"access_token":"new","refresh_token":"next"}`)
		case r.Header.Get("Authorization") != "Bearer new":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			fmt.Fprintf(w, `{"course":%q}`, body)
		default:
			fmt.Fprint(w, `{"id":"1"}`)
		}
	}))
	t.Cleanup(srv.Close)
	c := client.New(srv.URL, client.Store(client.Memory(hub.Tokens{AccessToken: "old", RefreshToken: "r"})))
	r, err := c.ImportScenarios(t.Context(), hub.ImportOptions{}, io.MultiReader(strings.NewReader("packed")))
	if err != nil || r.Course != "packed" {
		t.Errorf("%+v, %v", r, err)
	}
}
