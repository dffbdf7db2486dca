package client

import (
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
