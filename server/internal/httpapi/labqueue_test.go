package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// place is where a refused start stands in the queue; 0 when it was not refused.
func place(t *testing.T, c *client.Client, lab string) int {
	t.Helper()
	_, err := c.StartLab(t.Context(), lab)
	if err == nil {
		return 0
	}
	e := (*hub.Error)(nil)
	if !errors.As(err, &e) || e.Code != hub.Unavailable || e.Place == 0 || e.RetryAfter < time.Second || e.RetryAfter > 15*time.Second {
		t.Fatalf("refused with %#v", err)
	}
	return e.Place
}

// A full machine keeps a place for those who ask again, in the order in which
// they came; everybody's first lab comes before anybody's second.
func TestQueue(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.Labs.MaxRunning = 2 })
	ctx := t.Context()
	ann, bob, cyd, dan := h.User(t, hub.Free), h.User(t, hub.Free), h.User(t, hub.Free), h.User(t, hub.Free)
	h.ready(t, ann, "files")
	h.ready(t, bob, "files")
	for i, want := range []int{1, 1, 2, 2, 3} {
		who, lab := cyd, "files"
		switch i {
		case 2: // cyd's second lab, behind her first
			lab = "more"
		case 3: // dan came last and has none yet
			who = dan
		case 4:
			lab = "more"
		}
		if got := place(t, who, lab); got != want {
			t.Errorf("start %d: place %d, want %d", i, got, want)
		}
	}
	if s, err := ann.StartLab(ctx, "files"); err != nil || s.LabID != "files" {
		t.Errorf("the lab that runs can't be found on a full machine: %v", err)
	}
	_, err := ann.StartLab(ctx, "secrets")
	apitest.Code(t, err, hub.Forbidden) // no place for what can't be had
	if n := len(h.sandboxes(t)); n != 2 {
		t.Errorf("%d sandboxes", n)
	}
	if all, err := cyd.LabSessions(ctx); err != nil || len(all) != 0 {
		t.Errorf("whoever waits has half a lab: %+v, %v", all, err)
	}

	if _, err := ann.StopLab(ctx, "files"); err != nil {
		t.Fatal(err)
	}
	if got := place(t, dan, "files"); got != 2 {
		t.Errorf("dan overtakes: place %d", got)
	}
	if got := place(t, cyd, "files"); got != 0 {
		t.Errorf("it is cyd's turn, and she is told place %d", got)
	}
	if got := place(t, cyd, "more"); got != 2 {
		t.Errorf("cyd's second lab: place %d", got)
	}
	// Dan has gone home: his place is lost, and the room is not kept for him.
	h.clock.Store(60)
	if _, err := bob.StopLab(ctx, "files"); err != nil {
		t.Fatal(err)
	}
	if got := place(t, cyd, "more"); got != 0 {
		t.Errorf("cyd waits behind nobody: place %d", got)
	}
}

// counting sees how many sandboxes are being made at once.
type counting struct {
	labs.Driver
	now, most *atomic.Int32
}

func (d counting) Create(ctx context.Context, spec labs.Spec) error {
	n := d.now.Add(1)
	defer d.now.Add(-1)
	for {
		most := d.most.Load()
		if n <= most || d.most.CompareAndSwap(most, n) {
			break
		}
	}
	return d.Driver.Create(ctx, spec)
}

// Fifty starts at once: no more than a few are under way, and everybody gets
// their lab without asking twice.
func TestFiftyStartsAtOnce(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	h := newLabHub(t, func(a *app.App) {
		a.Labs.MaxRunning, a.Labs.MaxStarting = 50, 3
		a.Labs.Engine = &labs.Engine{Driver: counting{a.Labs.Engine.Driver, &now, &most}}
	})
	users := make([]app.Actor, 25)
	for i := range users {
		users[i] = h.actor(t, h.User(t, hub.Free))
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			lab := []string{"files", "more"}[i%2]
			for {
				_, err := users[i/2].StartLab(t.Context(), lab)
				e := (*hub.Error)(nil)
				if errors.As(err, &e) && e.Place > 0 {
					continue // on a machine that is slow in other ways
				}
				if err != nil {
					t.Errorf("start %d: %v", i, err)
				}
				return
			}
		})
	}
	all.Wait()
	if n := len(h.sandboxes(t)); n != 50 || most.Load() > 3 {
		t.Errorf("%d sandboxes, %d at once", n, most.Load())
	}
	last := h.User(t, hub.Free)
	if got := place(t, last, "files"); got != 1 {
		t.Errorf("the fifty-first: place %d", got)
	}
}

// Twenty starts of one user with room for one: exactly one session, and one
// sandbox.
func TestTwentyStartsOfOneUser(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.Labs.MaxRunning, a.Labs.MaxStarting = 1, 2 })
	as := h.actor(t, h.User(t, hub.Free))
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			s, err := as.StartLab(t.Context(), []string{"files", "more"}[i%2])
			mu.Lock()
			defer mu.Unlock()
			switch e := (*hub.Error)(nil); {
			case err == nil:
				got[s.ID]++
			case errors.As(err, &e) && e.Place > 0:
				got["queued"]++
			default:
				got[fmt.Sprint(err)]++
			}
		})
	}
	all.Wait()
	if len(got) != 2 || got["queued"] == 0 || len(h.sandboxes(t)) != 1 {
		t.Errorf("%v, sandboxes %v", got, h.sandboxes(t))
	}
}

// Twenty starts at once of more labs than the tier allows: as many sessions as
// it does, and the others are told which limit that is.
func TestStartsAtOnceKeepToTheTier(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	as := h.actor(t, h.User(t, hub.Free))
	var mu sync.Mutex
	got := map[string]bool{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			s, err := as.StartLab(t.Context(), []string{"files", "more", "third", "reading"}[i%4])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got[s.ID] = true
			} else if hub.CodeOf(err) != hub.Limit {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(got) != 2 || len(h.sandboxes(t)) != 2 {
		t.Errorf("sessions %v, sandboxes %v", got, h.sandboxes(t))
	}
}
