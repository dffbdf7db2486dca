package offline

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// nowhere is a hub that is never really asked.
func nowhere(t *testing.T) *Hub {
	t.Helper()
	p := Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}
	c := client.New("http://127.0.0.1:1")
	return New(c, c, OpenCache(p), p, false, func(context.Context) (string, error) { return token("ada", "1"), nil })
}

// A network that swallows everything: what is kept is shown soon, and the hub
// isn't asked for a while.
func TestNobodyTakesTheConnection(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	got, err := either(t.Context(), h, func(ctx context.Context) (string, error) {
		httptrace.ContextClientTrace(ctx).GetConn("hub:443")
		<-ctx.Done()
		return "", ctx.Err()
	}, func() (string, error) { return "kept", nil })
	if got != "kept" || err != nil || !h.Away() {
		t.Errorf("got %q, %v, away: %v", got, err, h.Away())
	}
}

// The same in the middle of things: the connection of before is taken, and
// nothing comes.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	got, err := either(t.Context(), h, func(ctx context.Context) (string, error) {
		trace := httptrace.ContextClientTrace(ctx)
		trace.GetConn("hub:443")
		trace.GotConn(httptrace.GotConnInfo{Reused: true})
		<-ctx.Done()
		return "", ctx.Err()
	}, func() (string, error) { return "kept", nil })
	if got != "kept" || err != nil || !h.Away() {
		t.Errorf("got %q, %v, away: %v", got, err, h.Away())
	}
}

// A call that has nothing to fall back on, or whose hub answers, is given all its
// time; so is one that counts, once it may have left.
func TestWhoIsNotHurried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reading bool
		instead bool
		calls   func(*httptrace.ClientTrace)
	}{
		"nothing is kept": {true, false, func(c *httptrace.ClientTrace) { c.GetConn("") }},
		"it answers": {true, true, func(c *httptrace.ClientTrace) {
			c.GetConn("")
			c.ConnectDone("tcp", "", nil)
			c.GotConn(httptrace.GotConnInfo{})
			c.GotFirstResponseByte()
		}},
		"a quiz is marked": {false, true, func(c *httptrace.ClientTrace) {
			c.GetConn("")
			c.GotConn(httptrace.GotConnInfo{})
		}},
		"TLS is made out": {true, true, func(c *httptrace.ClientTrace) {
			c.GetConn("")
			c.ConnectDone("tcp", "", nil)
		}},
	} {
		h := nowhere(t)
		asked := make(chan struct{}, 1)
		ctx, y := h.hurry(t.Context(), test.reading, func() bool { asked <- struct{}{}; return test.instead })
		test.calls(httptrace.ContextClientTrace(ctx))
		y.mu.Lock()
		armed := y.timer != nil
		y.mu.Unlock()
		if armed {
			<-asked
		}
		if slow, _ := y.end(context.Canceled); slow || armed == test.instead {
			t.Errorf("%s: ended: %v, watched: %v", name, slow, armed)
		}
	}
}

// An answer that comes at the last moment is the answer.
func TestTheHubIsJustInTime(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	got, err := either(t.Context(), h, func(ctx context.Context) (string, error) {
		httptrace.ContextClientTrace(ctx).GetConn("hub:443")
		<-ctx.Done()
		return "new", nil
	}, func() (string, error) { return "kept", nil })
	if got != "new" || err != nil || h.Away() {
		t.Errorf("got %q, %v, away: %v", got, err, h.Away())
	}
}

// So is a refusal: what is kept doesn't hide it.
func TestTheHubRefusesJustInTime(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	_, err := either(t.Context(), h, func(ctx context.Context) (string, error) {
		httptrace.ContextClientTrace(ctx).GetConn("hub:443")
		<-ctx.Done()
		return "", hub.Errorf(hub.Forbidden, "No longer yours.")
	}, func() (string, error) { return "kept", nil })
	if hub.CodeOf(err) != hub.Forbidden || h.Away() {
		t.Errorf("got %v, away: %v", err, h.Away())
	}
}

// Who gives up themselves gets their own error, and nothing is known of the hub.
func TestTheLearnerGivesUp(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := either(ctx, h, func(ctx context.Context) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	}, func() (string, error) { return "kept", nil })
	if !errors.Is(err, context.Canceled) || h.Away() {
		t.Errorf("got %v, away: %v", err, h.Away())
	}
}

// A slow link that works is given more time once it is known.
func TestASlowLinkIsKnown(t *testing.T) {
	t.Parallel()
	c := OpenCache(Place{Cache: t.TempDir() + "/new", Language: "en"})
	for _, test := range []struct{ took, want time.Duration }{
		{0, 2 * time.Second}, {1500 * time.Millisecond, 3 * time.Second}, {9 * time.Second, 10 * time.Second}, {40 * time.Millisecond, 2 * time.Second},
	} {
		c.Connected(test.took)
		if got := c.patience(); got != test.want {
			t.Errorf("after a connection in %v: %v, want %v", test.took, got, test.want)
		}
	}
	none := OpenCache(Place{})
	none.Connected(5 * time.Second)
	if got := none.patience(); got != leastPatience {
		t.Errorf("without a place: %v", got)
	}
}

// Progress that gets nowhere is written down.
func TestProgressIsWrittenDownSoon(t *testing.T) {
	t.Parallel()
	h := nowhere(t)
	ada := token("ada", "1")
	h.cache.Put(ada, course, client.Kept{ETag: "1", Body: []byte(`{"slug":"one","lessons":[{"id":"a"}]}`)})
	if !h.journals(t.Context(), []hub.ProgressEntry{{CourseID: "one", LessonID: "a", ProgressPercentage: 100}}) {
		t.Error("a lesson that is kept can be written down")
	}
	if h.journals(t.Context(), []hub.ProgressEntry{{CourseID: "one", LessonID: "b"}}) {
		t.Error("one that isn't there can be, too")
	}
}

// The hub answers that a token has run out, and hangs when it is to be renewed:
// what is kept is shown then as well.
func TestNobodyRenews(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/auth/refresh" {
			<-over
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(over) })
	h := glancing(t, s.URL)
	ada := token("ada", "1")
	h.Client = client.New(s.URL, client.Store(client.Memory(hub.Tokens{AccessToken: ada, RefreshToken: "r"})), client.Keep(h.cache))
	h.cache.Put(ada, "/v1/users/profile", client.Kept{ETag: "1", Body: []byte(`{"username":"ada"}`)})
	if u, err := h.Profile(t.Context()); u.Username != "ada" || err != nil || !h.Away() {
		t.Errorf("got %+v, %v, away: %v", u, err, h.Away())
	}
}
