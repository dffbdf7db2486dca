package offline

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// Whoever shows how it stands with the hub is told of each change, and only then;
// what needs the hub doesn't wait for one that was just found to be gone.
func TestStanding(t *testing.T) {
	t.Parallel()
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		var body struct{ Events []hub.LearningEvent }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		results := []hub.EventResult{}
		for _, e := range body.Events {
			results = append(results, hub.EventResult{ID: e.ID, Status: hub.EventApplied})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
	}))
	defer srv.Close()
	place := Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}
	cache, ada := OpenCache(place), token("ada", "1")
	cache.Put(ada, course, client.Kept{ETag: `W/"1"`, Body: []byte(`{"slug":"one","title":"One","lessons":[{"id":"a"}]}`)})
	h := New(client.New(srv.URL, client.Token(ada)), client.New(srv.URL, client.Token(ada), client.Keep(cache.Near()), client.Away()), cache, place, false,
		func(context.Context) (string, error) { return ada, nil })
	var said []string
	h.Say = func(s string) { said = append(said, s) }
	stands := func(changed <-chan struct{}, want hub.Standing) <-chan struct{} {
		t.Helper()
		select {
		case <-changed:
		default:
			t.Error("nobody is told")
		}
		got, next := h.Standing()
		if got.AsOf.IsZero() != want.AsOf.IsZero() {
			t.Errorf("as of %s", got.AsOf)
		}
		got.AsOf = want.AsOf
		if got != want {
			t.Errorf("it stands %+v, want %+v", got, want)
		}
		return next
	}
	_, changed := h.Standing()
	h.lost(nil)
	select {
	case <-changed:
		t.Error("nothing has changed")
	default:
	}

	gone := hub.Wrap(&url.Error{Op: "Get", URL: srv.URL, Err: errors.New("no route to host")}, hub.Unavailable, "Could not reach the hub.")
	h.lost(gone)
	changed = stands(changed, hub.Standing{Away: true})
	h.lost(hub.Errorf(hub.Unauthenticated, "You are not signed in.")) // which nobody need ask the hub for
	if _, err := h.Labs(t.Context(), hub.LabFilter{}); !errors.Is(err, client.ErrNotKept) {
		t.Errorf("labs: %v", err)
	}
	if err := h.Leave(t.Context(), "one"); !errors.Is(err, client.ErrNotKept) {
		t.Errorf("leaving: %v", err)
	}
	if _, err := h.Course(t.Context(), "one"); err != nil {
		t.Error(err)
	}
	if _, err := h.RecordProgress(t.Context(), []hub.ProgressEntry{{CourseID: "one", LessonID: "a", ProgressPercentage: 100}}); err != nil {
		t.Fatal(err)
	}
	changed = stands(changed, hub.Standing{Away: true, AsOf: time.Now(), Waits: 1})
	if len(asked) != 0 {
		t.Errorf("asked: %q", asked)
	}

	h.lost(&hub.Error{Code: hub.Unauthenticated, Message: "You are not signed in, or no longer.", RequestID: "r"}) // which it was
	changed = stands(changed, hub.Standing{Waits: 1})
	if _, err := h.Catch(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands(changed, hub.Standing{Told: 1})
	want := []string{
		"Offline: this is as of a moment ago.", "Offline: kept on this machine, and told to the hub when it can be reached.", "Online again.",
		"The hub has recorded what you did offline: 1 change.",
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
