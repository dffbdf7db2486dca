package labs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

func named(name string, lines ...string) scenario.Check {
	return scenario.Check{Name: name, Script: *script(lines...)}
}

func TestChecksOfAStepEachSayWhatTheySaw(t *testing.T) {
	t.Parallel()
	owner := named("owner", "grep -q ana owner")
	owner.Expected, owner.Observed, owner.OnFail = "ana", "cat owner", "Somebody else owns it."
	mode := named("mode", "echo it is closed; test -f open")
	mode.Expected, mode.Continuous = "open", true
	sc := &scenario.Scenario{Steps: []scenario.Step{{
		Verify: script("test -f owner"),
		Checks: []scenario.Check{owner, mode, named("killed", "test -f fine || kill -9 $$")},
	}}}
	e, d := start(t, sc, nil)
	if err := os.WriteFile(filepath.Join(d.Home("s-one"), "owner"), []byte("ben\x1b[2J\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := e.Check(t.Context(), "s-one", sc, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := labs.Verdict{
		Outcome: labs.Failed, Message: "owner: Somebody else owns it.\nmode: it is closed",
		Checks: []labs.CheckVerdict{
			{Outcome: labs.Passed},
			{Name: "owner", Outcome: labs.Failed, Expected: "ana", Observed: "ben", Message: "Somebody else owns it."},
			{Name: "mode", Outcome: labs.Failed, Expected: "open", Observed: "it is closed", Message: "it is closed"},
			{Name: "killed", Outcome: labs.Unchecked, Message: `"killed" could not be checked: its check was killed. This says nothing about your work: try again.`},
		},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	v, whole, err := e.Poll(t.Context(), "s-one", sc, 1)
	if err != nil || whole || len(v.Checks) != 1 || v.Checks[0].Name != "mode" {
		t.Errorf("a poll tries %+v, whole %v, %v", v, whole, err)
	}
	for _, f := range []string{"owner", "open", "fine"} {
		if err := os.WriteFile(filepath.Join(d.Home("s-one"), f), []byte("ana\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := e.Check(t.Context(), "s-one", sc, 1); err != nil || v.Outcome != labs.Passed || len(v.Checks) != 4 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestHintScriptHearsTheTime(t *testing.T) {
	t.Parallel()
	e, _ := start(t, &scenario.Scenario{}, nil)
	text, err := e.Hint(t.Context(), "s-one", *script(`[ "$1" -lt 60 ] || echo "after $1 seconds"`), 90*time.Second)
	if err != nil || text != "after 90 seconds" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err = e.Hint(t.Context(), "s-one", *script(`[ "$1" -lt 60 ] || echo late`), time.Second); err != nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
}
