package labs_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/labstest"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

func script(lines ...string) *scenario.Script {
	return &scenario.Script{Source: []byte(strings.Join(lines, "\n") + "\n")}
}

func start(t *testing.T, sc *scenario.Scenario, assets []byte) (*labs.Engine, labstest.Driver) {
	t.Helper()
	d := labstest.New(t)
	e := &labs.Engine{Driver: d}
	if err := e.Start(t.Context(), "s-one", sc, assets); err != nil {
		t.Fatal(err)
	}
	return e, d
}

// until asks again and again, because nothing tells when a script has ended.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(3 * time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestScenarioFromStartToPass(t *testing.T) {
	t.Parallel()
	var assets bytes.Buffer
	w := tar.NewWriter(&assets)
	if err := w.WriteHeader(&tar.Header{Name: "root/seed.txt", Mode: 0o644, Size: 4}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("seed"))
	w.Close()
	sc := &scenario.Scenario{
		Intro: scenario.Page{
			Background: []scenario.Script{*script("cp seed.txt grown.txt")},
			Foreground: []scenario.Script{*script("echo $$ > shell.pid; cd /tmp")},
		},
		Steps: []scenario.Step{{
			Page:   scenario.Page{Background: []scenario.Script{*script("echo opened > step.txt")}},
			Verify: script(`[ "$(cat answer)" = 42 ] || { echo "The answer is not 42."; exit 1; }`),
		}},
	}
	e, d := start(t, sc, assets.Bytes())
	home := d.Home("s-one")
	until(t, "the intro's set-up ends", func() bool {
		s, err := e.Setup(t.Context(), "s-one", 0)
		return err == nil && !s.Running && !s.Failed
	})
	if b, err := os.ReadFile(filepath.Join(home, "grown.txt")); err != nil || string(b) != "seed" {
		t.Errorf("the background script did not see the assets: %q, %v", b, err)
	}
	until(t, "the foreground script is sourced by a shell", func() bool {
		_, err := os.Stat(filepath.Join(home, "shell.pid"))
		return err == nil
	})
	if _, err := os.Stat(filepath.Join(home, "step.txt")); err == nil {
		t.Error("the step's set-up ran before the step was opened")
	}
	if err := e.OpenStep(t.Context(), "s-one", sc, 1); err != nil {
		t.Fatal(err)
	}
	until(t, "the step's set-up ends", func() bool {
		_, err := os.Stat(filepath.Join(home, "step.txt"))
		return err == nil
	})
	if v, err := e.Check(t.Context(), "s-one", sc, 1); err != nil || v.Outcome != labs.Failed || v.Message != "The answer is not 42." {
		t.Errorf("before: %+v, %v", v, err)
	}
	if err := os.WriteFile(filepath.Join(home, "answer"), []byte("42\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Check(t.Context(), "s-one", sc, 1); err != nil || v.Outcome != labs.Passed {
		t.Errorf("after: %+v, %v", v, err)
	}
	if err := e.Destroy(t.Context(), "s-one"); err != nil {
		t.Fatal(err)
	}
	if ids, err := e.List(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("left over: %v, %v", ids, err)
	}
	if err := e.Alive(t.Context(), "s-one"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("destroyed, and says %v", err)
	}
}

func TestSetupThatFailsOrNeverEnds(t *testing.T) {
	t.Parallel()
	e, _ := start(t, &scenario.Scenario{Intro: scenario.Page{Background: []scenario.Script{*script("exit 3"), *script("exec sleep 600")}}}, nil)
	var s labs.Setup
	until(t, "the failure is seen", func() bool {
		var err error
		s, err = e.Setup(t.Context(), "s-one", 0)
		return err == nil && s.Failed
	})
	if !s.Running || s.Settled(labs.Preparing-time.Second) || !s.Settled(labs.Preparing) {
		t.Errorf("a watcher is waited for, and not for ever: %+v", s)
	}
}

func TestCheckThatSaysNothingAboutTheLearner(t *testing.T) {
	t.Parallel()
	sc := &scenario.Scenario{Steps: []scenario.Step{
		{Verify: script("#!/opt/no/such/interpreter", "exit 0")},
		{Verify: script("kill -9 $$")},
		{Verify: script("# to be written")},
		{},
		{Verify: script("echo nice try > $VERIFICATION_FAILURE_REASON; echo not this; exit 1")},
	}}
	e, _ := start(t, sc, nil)
	for n, want := range []labs.Outcome{labs.Unchecked, labs.Unchecked, labs.Unverified, labs.Unverified, labs.Failed} {
		v, err := e.Check(t.Context(), "s-one", sc, n+1)
		if err != nil || v.Outcome != want {
			t.Errorf("step %d: %+v, %v, want %s", n+1, v, err, want)
		}
		if want == labs.Failed && v.Message != "nice try" {
			t.Errorf("the reason is %q", v.Message)
		}
	}
}

func TestCheckOfASandboxThatIsGone(t *testing.T) {
	t.Parallel()
	sc := &scenario.Scenario{Steps: []scenario.Step{{Verify: script("true")}}}
	e, d := start(t, sc, nil)
	d.Kill("s-one")
	until(t, "it is gone", func() bool {
		_, err := e.Check(t.Context(), "s-one", sc, 1)
		return errors.Is(err, labs.ErrNotFound)
	})
	// Starting it anew clears away what is left of it.
	if err := e.Start(t.Context(), "s-one", sc, nil); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Check(t.Context(), "s-one", sc, 1); err != nil || v.Outcome != labs.Passed {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestStartThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	e := &labs.Engine{Driver: labstest.New(t)}
	if err := e.Start(t.Context(), "s-one", &scenario.Scenario{}, []byte("no tar")); err == nil {
		t.Error("started with assets that are none")
	}
	if err := e.Start(t.Context(), "s-two", &scenario.Scenario{Image: "none"}, nil); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("got %v", err)
	}
	if ids, err := e.List(context.Background()); err != nil || len(ids) != 0 {
		t.Errorf("left over: %v, %v", ids, err)
	}
}
