package offline

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// glancing returns a hub for one who is signed in, over an empty cache.
func glancing(t *testing.T, server string) *Hub {
	t.Helper()
	p := Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}
	c, ada := OpenCache(p), token("ada", "1")
	near := client.New(server, client.Token(ada), client.Keep(c), client.Away())
	h := New(client.New(server, client.Token(ada), client.Keep(c)), near, c, p, false, func(context.Context) (string, error) { return ada, nil })
	h.Quick = func(token string) *client.Client { return client.New(server, client.Token(token), client.Keep(c)) }
	h.glance = time.Minute // a loaded machine takes its time
	return h
}

func slugs(all []hub.Course) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.Slug)
	}
	return names
}

func TestAGlanceAsksOnceInAWhile(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		switch r.URL.Path {
		case "/v1/courses":
			_ = json.NewEncoder(w).Encode([]hub.Course{{Slug: "one"}, {Slug: "two"}})
		case "/v1/labs/sessions":
			_ = json.NewEncoder(w).Encode([]hub.LabSession{{ID: "s-1", LabID: "lab", State: hub.Ready}})
		}
	}))
	defer s.Close()
	h := glancing(t, s.URL)
	for range 2 {
		if got := slugs(h.Glance(t.Context())); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("courses %q", got)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if got := h.GlanceSessions(t.Context()); len(got) != 1 || got[0].ID != "s-1" {
		t.Errorf("sessions %+v", got)
	}
}

// A hub that takes the connection and never answers costs a glance no more than
// its patience: what is kept is the answer.
func TestAGlanceDoesNotWait(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := glancing(t, "http://"+l.Addr().String())
	h.glance = glance
	ada := token("ada", "1")
	h.cache.Put(ada, "/v1/courses?limit=100", client.Kept{ETag: "1", Body: []byte(`[{"slug":"kept","labs":[{"id":"lab"}]}]`)})
	h.jot(ada, []hub.LabSession{{ID: "s-1", LabID: "lab", State: hub.Ready}})
	old := time.Now().Add(-time.Hour)
	h.cache.now = func() time.Time { return old }
	h.cache.Verified(ada, "/v1/courses?limit=100")
	h.cache.Verified(ada, sessionsPath)
	if got := slugs(h.Glance(t.Context())); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("courses %q", got)
	}
	if got := h.GlanceAt(t.Context(), "kept").Labs; len(got) != 1 {
		t.Errorf("labs %+v", got)
	}
	if got := h.GlanceSessions(t.Context()); len(got) != 1 || got[0].LabID != "lab" {
		t.Errorf("sessions %+v", got)
	}
}

// A sign-in that has run out is not renewed by pressing a key, nor does that take
// away what is kept.
func TestAGlanceRenewsNothing(t *testing.T) {
	t.Parallel()
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"unauthenticated","detail":"You are not signed in, or no longer."}`))
	}))
	defer s.Close()
	h := glancing(t, s.URL)
	h.cache.now = func() time.Time { return time.Now().Add(-time.Hour) }
	h.cache.Put(token("ada", "1"), "/v1/courses?limit=100", client.Kept{ETag: "1", Body: []byte(`[{"slug":"kept"}]`)})
	h.cache.Verified(token("ada", "1"), "/v1/courses?limit=100")
	h.cache.Put(token("ada", "1"), ada1, client.Kept{ETag: "1", Body: []byte(`{"id":"a"}`)})
	if got := slugs(h.Glance(t.Context())); !slices.Equal(got, []string{"kept"}) || !has(h.cache, token("ada", "1"), ada1) {
		t.Errorf("courses %q, and the lesson is kept: %v", got, has(h.cache, token("ada", "1"), ada1))
	}
	if s.Close(); !slices.Equal(paths, []string{"/v1/courses"}) {
		t.Errorf("asked for %q", paths)
	}
}
