package drivertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

// claim holds a Claimer to its comment.
func (s suite) claim(t *testing.T) {
	c, ok := s.d.(labs.Claimer)
	if !ok {
		t.Log("the driver claims nothing")
		return
	}
	ctx := t.Context()
	must(t, s.sandbox(t, s.spec("w-first")), "echo kept >/root/mark; sleep 1000 >/dev/null 2>&1 & hostname")
	t.Cleanup(func() { _ = s.d.Destroy(context.WithoutCancel(t.Context()), "mine") })
	if err := c.Claim(ctx, "w-first", "mine"); err != nil {
		t.Fatal(err)
	}
	inside := Connect(t, s.d, "mine")
	if got := must(t, inside, "cat /root/mark; pgrep -c sleep"); got != "kept\n1" {
		t.Errorf("what was in it: %q", got)
	}
	if ids := s.list(t); !slices.Contains(ids, "mine") || slices.Contains(ids, "w-first") {
		t.Errorf("List names %v", ids)
	}
	if _, err := s.d.Dial(ctx, "w-first"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("it is still there under its old name: %v", err)
	}
	if err := c.Claim(ctx, "w-first", "again"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("claimed twice: %v", err)
	}
	if err := s.d.Destroy(ctx, "w-first"); err != nil { // is nothing, and hurts nobody
		t.Error(err)
	}
	if err := s.d.Create(ctx, s.spec("mine")); err != nil {
		t.Error(err)
	}
	box, err := labs.Open(ctx, s.d, "mine")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if err := box.Become(ctx, "mybox", map[string]string{"COURSE": "of its own"}); err != nil {
		t.Fatal(err)
	}
	if got := must(t, inside, "hostname; cat /etc/hostname; getent hosts mybox | head -1; echo $COURSE"); !strings.HasPrefix(got, "mybox\nmybox\n127.0.1.1") || !strings.HasSuffix(got, "of its own") {
		t.Errorf("it became %q", got)
	}

	// A later driver finds it, and nothing of it is anybody else's.
	later := s.open(t)
	if got := must(t, Connect(t, later, "mine"), "cat /root/mark"); got != "kept" {
		t.Errorf("after a restart: %q", got)
	}
	// The next one is another sandbox with other uids.
	other := s.sandbox(t, s.spec("w-second"))
	must(t, other, "test ! -e /root/mark")
	if s.features.UIDs && must(t, other, "cat /proc/self/uid_map") == must(t, inside, "cat /proc/self/uid_map") {
		t.Error("both have the same uids")
	}
	if err := c.Claim(ctx, "w-second", "mine"); err == nil || errors.Is(err, labs.ErrNotFound) {
		t.Errorf("claimed as one that exists: %v", err)
	}
	must(t, Connect(t, s.d, "w-second"), "true") // as it was
	must(t, Connect(t, s.d, "mine"), "true")
	for _, id := range []string{"mine", "w-second"} {
		if err := s.d.Destroy(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if ids := s.list(t); slices.Contains(ids, "mine") || slices.Contains(ids, "w-second") {
		t.Errorf("after the end List names %v", ids)
	}
	if err := c.Claim(ctx, "w-never", "mine"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("claimed what never was: %v", err)
	}
}

// claimRush: of many who want the same sandbox, one gets it.
func (s suite) claimRush(t *testing.T) {
	c, ok := s.d.(labs.Claimer)
	if !ok {
		return
	}
	must(t, s.sandbox(t, s.spec("w-rush")), "true")
	var got atomic.Int32
	var all sync.WaitGroup
	for _, id := range []string{"rush-a", "rush-b", "rush-c", "rush-d"} {
		t.Cleanup(func() { _ = s.d.Destroy(context.WithoutCancel(t.Context()), id) })
		all.Go(func() {
			switch err := c.Claim(t.Context(), "w-rush", id); {
			case err == nil:
				got.Add(1)
			case !errors.Is(err, labs.ErrNotFound):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Errorf("%d got it", got.Load())
	}
}
