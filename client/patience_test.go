package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Those who were refused together don't come back together, nor before they may,
// nor after a time that nobody waits.
func TestPatienceHasJitter(t *testing.T) {
	t.Parallel()
	for _, code := range []hub.Code{hub.Limit, hub.Unavailable} {
		refused := &hub.Error{Code: code, Message: "later", RetryAfter: 4 * time.Second}
		for try := 1; try < tries; try++ {
			pauses := map[time.Duration]bool{}
			for range 100 {
				d, ok := patience(refused, try)
				least := min(time.Duration(try)*refused.RetryAfter, maxWait)
				if !ok || d < least || d > least+least/4 {
					t.Errorf("%s, try %d: %v, %v", code, try, d, ok)
				}
				pauses[d] = true
			}
			if len(pauses) < 90 {
				t.Errorf("%s, try %d: a hundred waited %d different times", code, try, len(pauses))
			}
		}
		for _, later := range []time.Duration{0, maxWait + 1, time.Hour} {
			if d, ok := patience(&hub.Error{Code: code, RetryAfter: later}, 1); ok {
				t.Errorf("%s in %v: waits for %v", code, later, d)
			}
		}
	}
	for _, code := range []hub.Code{hub.Invalid, hub.Unauthenticated, hub.Forbidden, hub.NotFound, hub.Conflict, hub.Internal} {
		if _, ok := patience(&hub.Error{Code: code, RetryAfter: time.Second}, 1); ok {
			t.Errorf("%s is tried again", code)
		}
	}
}

// A server that always says later is asked a few times, and then no more.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(srv.Close)
	if _, err := New(srv.URL).Profile(t.Context()); hub.CodeOf(err) != hub.Limit || asked.Load() != tries {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
}

// A hub takes a sign-in to be renewed, and then nothing comes: whoever gives up is
// let go, whoever waits hears that nobody answers, and the sign-in stays as it is.
func TestAHubThatHangsWhileItRenews(t *testing.T) {
	t.Parallel()
	asked, over := make(chan struct{}, 8), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/auth/refresh" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		asked <- struct{}{}
		<-over
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(over) })

	before := hub.Tokens{AccessToken: "old", RefreshToken: "r"}
	c := New(srv.URL, Store(Memory(before)))
	c.renewFor = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.Profile(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gives up: %v", err)
	}

	kept := Memory(before)
	c = New(srv.URL, Store(kept))
	c.renewFor = 100 * time.Millisecond
	if _, err := c.Profile(t.Context()); hub.CodeOf(err) != hub.Unavailable || !Unreachable(err) {
		t.Errorf("whoever waits: %v", err)
	}
	if now, _ := kept.Load(t.Context()); now != before {
		t.Errorf("kept: %+v", now)
	}
}
