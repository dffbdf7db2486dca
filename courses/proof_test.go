package courses_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// Every check of every starter lab is red before its step's solution and green
// after it, in a fresh sandbox, with the solution run the way a learner's
// commands are.
func TestStarterLabsAreProven(t *testing.T) {
	t.Parallel()
	engine := realEngine(t)
	for course, folder := range courses.Starter() {
		c, err := courses.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, sc := range c.Labs {
			t.Run(course+"/"+sc.Slug, func(t *testing.T) {
				t.Parallel()
				prove(t, engine, sc)
			})
		}
	}
}

func prove(t *testing.T, e *labs.Engine, sc *scenario.Scenario) {
	ctx := t.Context()
	id := "proof-" + sc.Slug
	if err := e.Start(ctx, id, sc, sc.Assets); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Destroy(context.Background(), id) })
	settle(t, e, id, 0)
	for n := 1; n <= len(sc.Steps); n++ {
		if err := e.OpenStep(ctx, id, sc, n); err != nil {
			t.Fatal(err)
		}
		settle(t, e, id, n)
		if v := check(t, e, id, sc, n); v.Outcome != labs.Failed || v.Message == "" {
			t.Fatalf("step %d before its solution is %q, saying %q; it should fail and say why", n, v.Outcome, v.Message)
		}
		solve(t, e, id, sc.Steps[n-1].Solve.Source)
		if v := check(t, e, id, sc, n); v.Outcome != labs.Passed {
			t.Fatalf("step %d after its solution is %q: %s", n, v.Outcome, v.Message)
		}
	}
}

func check(t *testing.T, e *labs.Engine, id string, sc *scenario.Scenario, n int) labs.Verdict {
	t.Helper()
	v, err := e.Check(t.Context(), id, sc, n)
	if err != nil {
		t.Fatalf("check step %d: %v", n, err)
	}
	return v
}

func solve(t *testing.T, e *labs.Engine, id string, script []byte) {
	t.Helper()
	box, err := labs.Open(t.Context(), e.Driver, id)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	out, errs, status, err := box.Run(t.Context(), "bash -s", bytes.NewReader(script))
	if err != nil || status != 0 {
		t.Fatalf("the solution ended with %d, %v\n%s%s", status, err, out, errs)
	}
}

// settle waits for the set-up of a page to end.
func settle(t *testing.T, e *labs.Engine, id string, n int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := e.Setup(t.Context(), id, n)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Running {
			if s.Failed {
				t.Fatalf("the set-up of page %d failed", n)
			}
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// realEngine makes sandboxes out of the base image, as the server does.
func realEngine(t *testing.T) *labs.Engine {
	t.Helper()
	dir, agent := os.Getenv("CMH_IMAGE_DIR"), os.Getenv("CMH_LAB_AGENT")
	if dir == "" || agent == "" {
		t.Fatal("CMH_IMAGE_DIR and CMH_LAB_AGENT are not set: run the tests with `make test`, which builds both")
	}
	images, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "labs")
	if err != nil {
		t.Fatal(err)
	}
	d, err := local.Open(context.Background(), local.Config{State: filepath.Join(state, "s"), Images: images, Agent: agent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); os.RemoveAll(state) })
	return &labs.Engine{Driver: d}
}
