package scenario

import (
	"bytes"
	"encoding/json"
	"regexp"
	"time"
)

// Check is one thing that a step asks for.
type Check struct {
	// Name is unique in its step; empty is the scenario format's own check,
	// which has none.
	Name     string `json:"name,omitempty"`
	Script   Script `json:"script"` // passes with exit status 0
	Expected string `json:"expected,omitempty"`
	// Observed is a command for bash that prints what is there instead, after
	// the check has failed. Without one it is what the check itself printed.
	Observed string `json:"observed,omitempty"`
	OnFail   string `json:"on_fail,omitempty"` // said when it fails, whatever it printed
	Timeout  int    `json:"timeout,omitempty"` // seconds; 0 is the engine's default
	// Continuous asks for the check to be tried by itself every few seconds
	// while somebody is there.
	Continuous bool `json:"continuous,omitempty"`
}

// Hint is one hint of a step. Its conditions count together; without any it
// may be had at once.
type Hint struct {
	Text  string `json:"text"`            // Markdown
	After int    `json:"after,omitempty"` // checks that failed
	Wait  int    `json:"wait,omitempty"`  // seconds since the step was opened
	When  string `json:"when,omitempty"`  // a check of the step that failed last time
	Cost  int    `json:"cost,omitempty"`  // off the step's score, in points of 100
}

// UnmarshalJSON reads a bare string too: hints were nothing else once.
func (h *Hint) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &h.Text); err == nil {
		return nil
	}
	type plain Hint
	return json.Unmarshal(b, (*plain)(h))
}

// WaitTime is Wait as a duration.
func (h Hint) WaitTime() time.Duration { return time.Duration(h.Wait) * time.Second }

// Asked is everything that must pass for the step to be done; none means that
// it is unverified.
func (st Step) Asked() []Check {
	var all []Check
	if st.Verify != nil {
		all = append(all, Check{Script: *st.Verify, Timeout: st.Timeout})
	}
	return append(all, st.Checks...)
}

// Checked reports whether the step has a check.
func (st Step) Checked() bool { return st.Verify != nil || len(st.Checks) > 0 }

// Continuous reports whether step n of the scenario is checked by itself: all
// of a challenge's are.
func (s *Scenario) Continuous(n int) bool {
	st := s.Steps[n-1]
	if s.Challenge && st.Checked() {
		return true
	}
	for _, c := range st.Checks {
		if c.Continuous {
			return true
		}
	}
	return false
}

// Questions are those that have to be answered at step n, counted from 1: its
// own, and those of the pages around the steps, which are no steps themselves.
func (s *Scenario) Questions(n int) []Question {
	var all []Question
	if n == 1 {
		all = append(all, s.Intro.Quiz...)
	}
	all = append(all, s.Steps[n-1].Quiz...)
	if n == len(s.Steps) {
		all = append(all, s.Finish.Quiz...)
	}
	return all
}

var commentLine = regexp.MustCompile(`(?m)^\s*#.*$`)

// Nothing reports whether the script has no command in it: as a check it would
// pass by doing nothing.
func (sc Script) Nothing() bool {
	return len(bytes.TrimSpace(commentLine.ReplaceAll(bytes.TrimPrefix(sc.Source, []byte("\ufeff")), nil))) == 0
}
