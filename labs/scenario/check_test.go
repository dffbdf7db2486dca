package scenario_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/labs/scenario"
)

func lab(yaml string, more ...string) fstest.MapFS {
	fsys := fstest.MapFS{
		"index.json": {Data: []byte(`{"title": "T", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}, {"text": "t.md"}]}, "backend": {"imageid": "ubuntu"}}`)},
		"t.md":       {Data: []byte("Text")},
		"v.sh":       {Data: []byte("test -f x\n")},
		"lab.yaml":   {Data: []byte(yaml)},
	}
	for i := 0; i+1 < len(more); i += 2 {
		fsys[more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	return fsys
}

func TestNamedChecksAndHints(t *testing.T) {
	t.Parallel()
	s, err := scenario.Read(lab(`
steps:
  - timeout: 20
    checks:
      - name: owner
        run: "[ $(stat -c %U /srv) = ana ]"
        expected: ana owns /srv
        observed: stat -c %U /srv
        timeout: 5s
      - name: mode
        run: checks/mode.sh
        on_fail: The mode is wrong.
        continuous: true
    hints:
      - Look at `+"`chown`"+`.
      - {text: Really, after: 2 failed checks, cost: 10}
      - {text: Wait, after: 5m, when: mode failing}
  - solution_cost: 100
    tools: learner
`, "checks/mode.sh", "test -w /srv\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	st := s.Steps[0]
	want := []scenario.Check{
		{Script: scenario.Script{File: "v.sh", Source: []byte("test -f x\n")}, Timeout: 20},
		{
			Name: "owner", Script: scenario.Script{File: "lab.yaml", Source: []byte("[ $(stat -c %U /srv) = ana ]\n")},
			Expected: "ana owns /srv", Observed: "stat -c %U /srv", Timeout: 5,
		},
		{Name: "mode", Script: scenario.Script{File: "checks/mode.sh", Source: []byte("test -w /srv\n")}, OnFail: "The mode is wrong.", Continuous: true},
	}
	if diff := cmp.Diff(want, st.Asked()); diff != "" {
		t.Error(diff)
	}
	hints := []scenario.Hint{{Text: "Look at `chown`."}, {Text: "Really", After: 2, Cost: 10}, {Text: "Wait", Wait: 300, When: "mode"}}
	if diff := cmp.Diff(hints, st.Hints); diff != "" {
		t.Error(diff)
	}
	if !s.Continuous(1) || s.Continuous(2) || s.Checks() != 1 || st.SolutionCost != scenario.SolutionCost || s.Steps[1].SolutionCost != 100 || !s.Steps[1].LearnersTools {
		t.Errorf("%+v", s.Steps)
	}
	var back scenario.Step
	doc, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(st, back); diff != "" {
		t.Error(diff)
	}
}

// Labs that were published when hints were plain strings still work.
func TestHintsOfOldDocuments(t *testing.T) {
	t.Parallel()
	var st scenario.Step
	if err := json.Unmarshal([]byte(`{"hints": ["one", {"text": "two", "cost": 5}]}`), &st); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]scenario.Hint{{Text: "one"}, {Text: "two", Cost: 5}}, st.Hints); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInChecksAndHints(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"steps:\n  - checks: []\n":                                               "there are none",
		"steps:\n  - checks: [{name: a, run: '# later'}]\n":                      "no command",
		"steps:\n  - checks: [{name: a, run: none.sh}]\n":                        "does not exist",
		"steps:\n  - checks: [{name: a, run: ../x.sh}]\n":                        "leaves",
		"steps:\n  - checks: [{run: 'true'}]\n":                                  "needs a name",
		"steps:\n  - checks: [{name: a, run: 'true'}, {name: a, run: 'true'}]\n": "two are called",
		"steps:\n  - checks: [{name: a, run: 'true', timeout: 2h}]\n":            "60 seconds",
		"steps:\n  - checks: [{name: a, run: 'true', expcted: x}]\n":             "expcted",
		"steps:\n  - hints: [{text: x, after: soon}]\n":                          "2 failed checks",
		"steps:\n  - hints: [{text: x, when: mode failing}]\n":                   "no check",
		"steps:\n  - hints: [{text: x, cost: 101}]\n":                            "0 to 100",
		"steps:\n  - hints: [{text: ' '}]\n":                                     "no text",
		"steps:\n  - tools: mine\n":                                              "learner",
		"steps:\n  - solution_cost: -1\n":                                        "0 to 100",
		"steps:\n  - timeout: 100\n":                                             "60 seconds",
		"steps:\n  - {}\n  - {}\n  - {}\n":                                       "more of them",
	} {
		_, err := scenario.Read(lab(yaml), ".")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "lab.yaml:") {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}

// A check that does nothing would pass whatever the learner does.
func TestEmptyCheckIsNone(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]bool{"": true, "#!/bin/bash\n# later\n\n": true, "true": false, "#!/bin/bash\nexit 0": false} {
		if got := (scenario.Script{Source: []byte(script)}).Nothing(); got != want {
			t.Errorf("nothing(%q) = %v", script, got)
		}
	}
	s, err := scenario.Read(lab("", "v.sh", "#!/bin/bash\n"), ".")
	if err != nil || s.Steps[0].Checked() || len(s.Warnings) != 1 || s.Steps[0].Unchecked == "" {
		t.Errorf("%+v, %v", s, err)
	}
}
