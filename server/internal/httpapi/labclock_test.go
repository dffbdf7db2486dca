package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// told lists the events of a session, as TYPE or TYPE/MINUTES.
func (h labHub) told(t *testing.T, session string) (told []string) {
	t.Helper()
	err := h.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		return tx.QueryRow(ctx, `SELECT array_agg(type || coalesce('/' || (data->>'minutes'), '') ORDER BY id)
			FROM events WHERE data->>'session' = $1`, session).Scan(&told)
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func (h labHub) tend(t *testing.T) {
	t.Helper()
	if err := h.App.TendLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A session is given more time, as far as the tier goes, and what warns of its
// end counts from the new one.
func TestExtendLab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	if got := s.ExtendableUntil.Sub(s.CreatedAt); got != 2*time.Hour {
		t.Errorf("it can live %v", got)
	}
	h.clock.Store(56 * 60)
	h.tend(t)
	more, err := c.ExtendLab(ctx, "files", 0)
	if err != nil || more.ExpiresAt.Sub(s.ExpiresAt) != 30*time.Minute {
		t.Fatalf("%+v, %v", more, err)
	}
	h.clock.Store(81 * 60)
	h.tend(t)
	h.tend(t)
	if more, err = c.ExtendLab(ctx, s.ID, 1000); err != nil || !more.ExpiresAt.Equal(s.ExtendableUntil) {
		t.Fatalf("beyond the limit: %+v, %v", more, err)
	}
	_, err = c.ExtendLab(ctx, s.ID, 1)
	apitest.Code(t, err, hub.Conflict)
	for _, bad := range []int{-1, 1441} {
		_, err = c.ExtendLab(ctx, s.ID, bad)
		apitest.Code(t, err, hub.Invalid)
	}
	want := []string{"lab.started", "lab.ready", "lab.warning/5", "lab.extended/30", "lab.warning/10", "lab.extended/30"}
	if got := h.told(t, s.ID); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	h.clock.Store(2*3600 + 1)
	_, err = c.ExtendLab(ctx, s.ID, 1)
	apitest.Code(t, err, hub.Conflict)
	stranger := h.User(t, hub.Premium)
	_, err = stranger.ExtendLab(ctx, s.ID, 1)
	apitest.Code(t, err, hub.NotFound)
	if s := h.ready(t, stranger, "files"); s.ExpiresAt.Sub(s.CreatedAt) != 2*time.Hour || s.ExtendableUntil.Sub(s.CreatedAt) != 8*time.Hour {
		t.Errorf("a premium session: %+v", s)
	}
}

// A repeated request extends once; two different ones add up.
func TestExtendOnce(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	token := h.Token(t, c)
	extend := func(key string) (ends time.Time) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/v1/labs/"+s.ID+"/extend", strings.NewReader(`{"minutes":5}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var got hub.LabSession
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v", resp.Status, err)
		}
		return got.ExpiresAt
	}
	for _, step := range []struct {
		key  string
		want time.Duration
	}{{"a", 5 * time.Minute}, {"a", 5 * time.Minute}, {"b", 10 * time.Minute}, {"a", 5 * time.Minute}} {
		if got := extend(step.key).Sub(s.ExpiresAt); got != step.want {
			t.Errorf("with key %s it ends %v later, want %v", step.key, got, step.want)
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.ExtendLab(t.Context(), s.ID, 5); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if now, err := c.LabSession(t.Context(), s.ID); err != nil || now.ExpiresAt.Sub(s.ExpiresAt) != 50*time.Minute {
		t.Errorf("ten extensions of five minutes: %v, %v", now.ExpiresAt.Sub(s.ExpiresAt), err)
	}
}

// Each warning is told once, also when a restart comes between, and one whose
// moment was missed is not told late.
func TestWarnings(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	for _, second := range []int64{0, 49*60 + 50, 50*60 + 5, 51 * 60, 59*60 + 1, 59*60 + 30} {
		h.clock.Store(second)
		h.tend(t)
		if err := h.restarted(t).TendLabs(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"lab.started", "lab.ready", "lab.warning/10", "lab.warning/1"}
	if got := h.told(t, s.ID); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// The server is down when the time comes: the sandbox ends by itself. The next
// server finds it gone and writes down when that was, not when it looked.
func TestExpiresWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	as := h.actor(t, c)
	s := h.ready(t, c, "files")
	h.clock.Store(3605)
	grace := proto.GraceMS * time.Millisecond
	_ = h.App.Labs.Engine.Expire(t.Context(), s.ID, -grace) // its answer may be cut off
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !errors.Is(h.App.Labs.Engine.Alive(t.Context(), s.ID), labs.ErrNotFound) {
		<-tick.C
	}
	h.clock.Store(2 * 3600)
	if err := h.restarted(t).AdoptLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := as.LabSession(t.Context(), s.ID)
	if err != nil || got.Message != "Its time was up." || got.EndedAt == nil || !got.EndedAt.Equal(s.ExpiresAt) {
		t.Errorf("%+v, %v", got, err)
	}
	if left := h.sandboxes(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if got := h.told(t, s.ID); !slices.Contains(got, "lab.expired") || slices.Contains(got, "lab.stopped") {
		t.Errorf("told %v", got)
	}
}

// Left alone for too long, a session ends, and says why; while somebody is
// there it goes on, and a sandbox that says it was in use is believed.
func TestIdleLabEnds(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.Labs.Free.Idle = 2 * time.Second })
	ctx := t.Context()
	c, d := h.User(t, hub.Free), h.User(t, hub.Premium)
	as := h.actor(t, c)
	s, used := h.ready(t, c, "files"), h.ready(t, d, "files")
	if err := h.App.LabAttached(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	h.clock.Store(50 * 60)
	h.tend(t)
	if st, _ := state(t, as, s.ID); st != hub.Active {
		t.Fatalf("attached, it is %s", st)
	}
	if err := h.App.LabDetached(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ahead := int64(51 * 60); ; ahead += 10 {
		h.clock.Store(min(ahead, 3500)) // it is asked again when it may be true
		h.tend(t)
		if st, msg := state(t, as, s.ID); hub.Ended(st) {
			if st != hub.Expired || msg != "Nobody used it for 2 seconds." {
				t.Errorf("%s %q", st, msg)
			}
			break
		}
		<-tick.C
	}
	h.clock.Store(62 * 60)
	h.tend(t)
	if left := h.sandboxes(t); !slices.Equal(left, []string{used.ID}) {
		t.Errorf("left: %v, want %s", left, used.ID)
	}
}
