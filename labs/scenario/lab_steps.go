package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/words"
)

// stepYAML is one step of lab.yaml.
type stepYAML struct {
	Checks       *[]checkYAML `yaml:"checks"`
	Timeout      seconds      `yaml:"timeout"`
	Tools        string       `yaml:"tools"`
	Hints        []hintYAML   `yaml:"hints"`
	Solve        string       `yaml:"solve"`
	SolutionCost *int         `yaml:"solution_cost"`
}

type checkYAML struct {
	Name       string  `yaml:"name"`
	Run        string  `yaml:"run"`
	Expected   string  `yaml:"expected"`
	Observed   string  `yaml:"observed"`
	OnFail     string  `yaml:"on_fail"`
	Timeout    seconds `yaml:"timeout"`
	Continuous bool    `yaml:"continuous"`
}

// hintYAML is a hint: its text, or more about it.
type hintYAML struct {
	Text  string `yaml:"text"`
	After string `yaml:"after"`
	When  string `yaml:"when"`
	Cost  int    `yaml:"cost"`
}

// UnmarshalYAML takes a string for the text.
func (h *hintYAML) UnmarshalYAML(decode func(any) error) error {
	if err := decode(&h.Text); err == nil {
		return nil
	}
	type plain hintYAML
	return decode((*plain)(h))
}

// seconds are written as a number, or with a unit: 30, 30s, 2m.
type seconds int

// UnmarshalYAML takes a number for seconds.
func (s *seconds) UnmarshalYAML(decode func(any) error) error {
	var word string
	if err := decode(&word); err != nil {
		return err
	}
	d, err := duration(word)
	if err != nil {
		return err
	}
	*s = seconds(d / time.Second)
	return nil
}

func duration(word string) (time.Duration, error) {
	word = strings.TrimSpace(word)
	if n, err := strconv.Atoi(word); err == nil {
		word = strconv.Itoa(n) + "s"
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return 0, errors.New(words.Kept("%q is no time; write it as 90s or 5m", word))
	}
	return d, nil
}

// Bounds of lab.yaml.
const (
	maxChecks    = 32
	maxHints     = 32
	maxCheckTime = 60 // seconds
	// SolutionCost is what a solution costs when lab.yaml doesn't say.
	SolutionCost = 50
)

// labSteps lays the steps of lab.yaml over those of the index.
func (r *reader) labSteps(file string, line func(path string) int, steps []stepYAML, s *Scenario) error {
	for i, extra := range steps {
		at := fmt.Sprintf("$.steps[%d]", i)
		fail := func(key string, err error) error {
			known := &Error{}
			if errors.As(err, &known) {
				return err
			}
			l := line(at + "." + key)
			if l == 0 {
				l = line("$.steps")
			}
			return &Error{File: file, Line: l, Text: fmt.Sprintf("step %d: %s", i+1, err)}
		}
		st := &s.Steps[i]
		if extra.Checks != nil {
			checks, err := r.labChecks(file, *extra.Checks)
			if err != nil {
				return fail("checks", err)
			}
			st.Checks = checks
		}
		if extra.Timeout > maxCheckTime {
			return fail("timeout", errors.New(words.Kept("timeout: a check may run %d seconds", maxCheckTime)))
		}
		st.Timeout = int(extra.Timeout)
		switch extra.Tools {
		case "", "image":
		case "learner":
			st.LearnersTools = true
		default:
			return fail("tools", errors.New(words.Kept("tools: write image, which is the default, or learner")))
		}
		hints, err := labHints(extra.Hints, st.Asked())
		if err != nil {
			return fail("hints", err)
		}
		st.Hints = append(st.Hints, hints...)
		st.SolutionCost = SolutionCost
		if extra.SolutionCost != nil {
			if st.SolutionCost = *extra.SolutionCost; st.SolutionCost < 0 || st.SolutionCost > 100 {
				return fail("solution_cost", errors.New(words.Kept("solution_cost: give points from 0 to 100")))
			}
		}
		if extra.Solve == "" {
			continue
		}
		if st.Solve, err = r.labFile(file, "solve", extra.Solve); err != nil {
			return fail("solve", err)
		}
	}
	return nil
}

// labFile reads a script that lab.yaml names.
func (r *reader) labFile(file, key, ref string) (*Script, error) {
	at := &node{file: file, kind: object, used: map[string]bool{}, vals: map[string]*node{}}
	at.put(key, &node{file: file, kind: text, str: ref})
	before := len(r.warnings)
	sc, ok := r.script(at, key, ref)
	if !ok {
		w := r.warnings[before]
		r.warnings = r.warnings[:before]
		return nil, errors.New(w.Text)
	}
	return &sc, nil
}

func (r *reader) labChecks(file string, list []checkYAML) ([]Check, error) {
	if len(list) == 0 {
		return nil, errors.New(words.Kept("checks: there are none; name what the step asks for, or leave the key out"))
	}
	if len(list) > maxChecks {
		return nil, errors.New(words.Kept("checks: a step has at most %d", maxChecks))
	}
	names := map[string]bool{}
	checks := make([]Check, 0, len(list))
	for i, c := range list {
		name := strings.TrimSpace(c.Name)
		switch {
		case name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return nil, errors.New(words.Kept("checks: number %d needs a name, one line of at most 100 characters", i+1))
		case names[name]:
			return nil, errors.New(words.Kept("checks: two are called %q", name))
		case c.Timeout > maxCheckTime:
			return nil, errors.New(words.Kept("check %q: it may run %d seconds", name, maxCheckTime))
		}
		names[name] = true
		sc, err := r.labRun(file, c.Run)
		if err != nil {
			return nil, fmt.Errorf("check %q: %w", name, err)
		}
		checks = append(checks, Check{
			Name: name, Script: sc, Expected: strings.TrimSpace(c.Expected), Observed: strings.TrimSpace(c.Observed),
			OnFail: strings.TrimSpace(c.OnFail), Timeout: int(c.Timeout), Continuous: c.Continuous,
		})
	}
	return checks, nil
}

var fileForm = regexp.MustCompile(`^\S*[./]\S*$`)

// labRun is the script of a check: the file that run names, or run itself. One
// word with a dot or a slash in it is a file's name.
func (r *reader) labRun(file, run string) (Script, error) {
	run = strings.TrimSpace(run)
	sc := Script{File: file, Source: r.variables([]byte(run + "\n"))}
	if fileForm.MatchString(run) {
		named, err := r.labFile(file, "run", run)
		if err != nil {
			return sc, err
		}
		sc = *named
	}
	if sc.Nothing() {
		return sc, errors.New(words.Kept("run: there is no command in it, so it would pass whatever the learner does"))
	}
	return sc, nil
}

var afterChecks = regexp.MustCompile(`^(\d{1,3})(?:\s+failed)?\s+checks?$`)

func labHints(list []hintYAML, checks []Check) ([]Hint, error) {
	if len(list) > maxHints {
		return nil, errors.New(words.Kept("hints: a step has at most %d", maxHints))
	}
	hints := make([]Hint, 0, len(list))
	for i, y := range list {
		h := Hint{Text: strings.TrimSpace(normalise(decode([]byte(y.Text))).text), Cost: y.Cost}
		if h.Text == "" {
			return nil, errors.New(words.Kept("hint %d: there is no text", i+1))
		}
		if h.Cost < 0 || h.Cost > 100 {
			return nil, errors.New(words.Kept("hint %d: cost: give points from 0 to 100", i+1))
		}
		if after := strings.TrimSpace(y.After); after != "" {
			if m := afterChecks.FindStringSubmatch(after); m != nil {
				h.After, _ = strconv.Atoi(m[1])
			} else if d, err := duration(after); err == nil {
				h.Wait = int(d / time.Second)
			} else {
				return nil, errors.New(words.Kept("hint %d: after: write it as \"2 failed checks\" or \"5m\"", i+1))
			}
		}
		if when := strings.TrimSpace(y.When); when != "" {
			h.When = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(when, "failing"), "is "))
			if !named(checks, h.When) {
				h.When = when
			}
			if !named(checks, h.When) {
				return nil, errors.New(words.Kept("hint %d: when: the step has no check %q", i+1, h.When))
			}
		}
		hints = append(hints, h)
	}
	return hints, nil
}

func named(checks []Check, name string) bool {
	for _, c := range checks {
		if c.Name != "" && c.Name == name {
			return true
		}
	}
	return false
}
