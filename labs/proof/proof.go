// Package proof proves labs: that a check is red before the work and green
// after it, in fresh sandboxes, with the work typed into the learner's own
// terminal. It plays a lab through the engine as the hub would and decides
// nothing about where labs come from or how results are shown.
package proof

import (
	"context"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/words"
)

// Prover plays labs.
type Prover struct {
	// Stage makes the place where a lab is played: see Here.
	Stage     func(Subject) Stage
	Abilities []string // labels of package scenario that its sandboxes can give

	Runs     int // how often a lab is played; less than 1 is once
	Parallel int // how many labs at once; less than 1 is one

	// Strict makes failures of what only platforms' own authors can be held
	// to: a check that passes before the work, a step without a solution, a
	// lab that can't run here. Labs with a lab.yaml are held to the first two
	// in any case.
	Strict bool

	// Anyway plays labs that need what can't be given here, too.
	Anyway bool

	// Refused, when set, says why a lab can't be played at its Stage; empty when
	// it can.
	Refused func(Subject) string

	// Patience bounds the wait for one command, and for one page's set-up in
	// the terminal; 0 is a minute.
	Patience time.Duration

	// Said, when set, hears of each lab as it ends, one at a time.
	Said func(Lab)
}

// Subject is a lab to prove.
type Subject struct {
	Name     string // unique among those proven together
	Scenario *scenario.Scenario
	Own      bool // has a lab.yaml: it is held to our own rules
	// Solutions are lines to be typed instead of what the lab itself offers,
	// by the number of the step.
	Solutions map[int]string
}

// Verdicts on a step, over all plays.
const (
	Proven     = "proven"     // red, then green, each time; its questions hold
	Early      = "early"      // green before the work, and after it
	Flaky      = "flaky"      // its verdicts differ between plays
	Unsolvable = "unsolvable" // still red after the solution
	Broken     = "broken"     // can't be checked, its check is empty, or a question of it can't be answered
	Untried    = "untried"    // has a check and no solution that can be typed
	Unverified = "unverified" // has no check and asks nothing
)

// Lab is what was found out about one.
type Lab struct {
	Name    string  `json:"lab"`
	Title   string  `json:"title"`
	File    string  `json:"file"`   // of its folder
	State   string  `json:"state"`  // proven, failed, skipped
	Reason  string  `json:"reason"` // why it failed as a whole, or was skipped
	Steps   []Step  `json:"steps"`
	Plays   int     `json:"plays"`
	Seconds float64 `json:"seconds"`
}

// States of a Lab.
const (
	LabProven  = "proven"
	LabFailed  = "failed"
	LabSkipped = "skipped"
)

// Step is what was found out about a step.
type Step struct {
	Number  int    `json:"number"`
	Title   string `json:"title"`
	State   string `json:"state"`
	Failed  bool   `json:"failed"` // fails the lab
	Message string `json:"message"`
	Source  string `json:"source"` // where its solution came from
	File    string `json:"file"`   // to look at
	Line    int    `json:"line"`
	Plays   []Play `json:"plays"`
}

// Play is how a step went once.
type Play struct {
	Before  labs.Outcome `json:"before"`
	Red     string       `json:"red"`              // what the check said before
	After   labs.Outcome `json:"after"`            // empty: nothing was done
	Message string       `json:"message"`          // what the check said last
	Screen  string       `json:"screen,omitempty"` // the end of the terminal, when it is not as it should be
	// Questions is how many the step asks. Quiz is what is wrong with them:
	// empty when each takes its answer and refuses another.
	Questions int    `json:"questions,omitempty"`
	Quiz      string `json:"quiz,omitempty"`
	source    string
}

// Prove plays every lab and returns what it found in their order. An error
// means that it could not go on, ctx ended for one.
func (p *Prover) Prove(ctx context.Context, subjects []Subject) ([]Lab, error) {
	found := make([]Lab, len(subjects))
	said := make(chan Lab)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for l := range said {
			if p.Said != nil {
				p.Said(l)
			}
		}
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, p.Parallel))
	for i, s := range subjects {
		g.Go(func() (err error) {
			if found[i], err = p.lab(ctx, s); err == nil {
				said <- found[i]
			}
			return err
		})
	}
	err := g.Wait()
	close(said)
	<-heard
	return found, err
}

// newID names a sandbox that nobody else has.
func newID() string { return "proof-" + strings.ToLower(rand.Text()[:12]) }

func (p *Prover) lab(ctx context.Context, s Subject) (Lab, error) {
	sc := s.Scenario
	l := Lab{Name: s.Name, Title: sc.Title, File: sc.Dir, Steps: []Step{}}
	began := time.Now()
	if lacks := p.lacks(s); lacks != "" {
		l.State, l.Reason = LabSkipped, lacks
		if p.Strict {
			l.State = LabFailed
		}
		return l, nil
	}
	var plays [][]Play
	for range max(1, p.Runs) {
		stage := p.Stage(s)
		for range 2 { // fresh, and again from a reset
			one, trouble, err := p.play(ctx, stage, s)
			if err != nil {
				return l, err
			}
			plays = append(plays, one)
			l.Plays++
			if trouble != "" {
				l.State, l.Reason = LabFailed, trouble
			}
		}
		if err := stage.End(ctx); err != nil {
			return l, err
		}
	}
	for i := range sc.Steps {
		st := p.judge(s, i+1, plays)
		if st.Failed {
			l.State = LabFailed
		}
		l.Steps = append(l.Steps, st)
	}
	if l.State == "" {
		l.State = LabProven
		if !slices.ContainsFunc(l.Steps, func(st Step) bool { return st.State == Proven || st.State == Early }) {
			l.State, l.Reason = LabSkipped, words.Kept("no check of it was proven")
		}
	}
	l.Seconds = time.Since(began).Seconds()
	return l, nil
}

// lacks says why a lab can't be played here; "" when it can.
func (p *Prover) lacks(s Subject) string {
	sc := s.Scenario
	if p.Refused != nil {
		if why := p.Refused(s); why != "" {
			return why
		}
	}
	if sc.Unsupported != "" {
		return sc.Unsupported
	}
	var lacks []string
	for _, need := range sc.Needs {
		if !p.Anyway && !slices.Contains(p.Abilities, need) {
			lacks = append(lacks, need)
		}
	}
	switch {
	case len(lacks) > 0:
		return words.Kept("it needs %s, which can't be given here", strings.Join(lacks, ", "))
	case !slices.ContainsFunc(sc.Steps, func(st scenario.Step) bool { return st.Checked() || st.Unchecked != "" }) && !quizzed(sc):
		return words.Kept("has no check")
	}
	return ""
}

// quizzed reports whether a text of the lab asks a question.
func quizzed(sc *scenario.Scenario) bool {
	for n := range sc.Steps {
		if len(sc.Questions(n+1)) > 0 {
			return true
		}
	}
	return false
}

// judge says what the plays together mean for step n.
func (p *Prover) judge(s Subject, n int, plays [][]Play) Step {
	sc := s.Scenario
	st := Step{Number: n, Title: sc.Steps[n-1].Title, File: path.Join(sc.Dir, "index.json")}
	asked := sc.Steps[n-1].Asked()
	for _, c := range asked {
		if c.Script.File != "" {
			st.File = c.Script.File
			break
		}
	}
	for _, one := range plays {
		if n <= len(one) {
			st.Plays = append(st.Plays, one[n-1])
		}
	}
	demanding := p.Strict || s.Own
	if why := sc.Steps[n-1].Unchecked; len(asked) == 0 && why != "" {
		st.State, st.Failed, st.Message = Broken, true, words.Kept("it is never checked: %s", why)
		return st
	}
	if i := slices.IndexFunc(st.Plays, func(o Play) bool { return o.Quiz != "" }); i >= 0 {
		st.State, st.Failed, st.Message = Broken, true, st.Plays[i].Quiz
		return st
	}
	if len(asked) == 0 {
		if st.State = Unverified; len(st.Plays) > 0 && st.Plays[0].Questions > 0 {
			st.State = Proven
		}
		return st
	}
	if len(st.Plays) == 0 {
		st.State, st.Failed, st.Message = Broken, true, words.Kept("it was never reached")
		return st
	}
	first := st.Plays[0]
	st.Source = first.source
	differ := func(o Play) bool { return o.Before != first.Before || o.After != first.After }
	bad := func(o Play) bool { return o.Before != labs.Failed || o.After != labs.Passed }
	switch worst := st.Plays[max(0, slices.IndexFunc(st.Plays, bad))]; {
	case slices.ContainsFunc(st.Plays, differ):
		st.State, st.Failed = Flaky, true
		st.Message = words.Kept("its verdicts differ: %s", tally(st.Plays))
	case first.Before == labs.Unverified:
		st.State, st.Failed, st.Message = Broken, true, words.Kept("its check is empty: nobody could ever fail it")
	case first.Before == labs.Unchecked || first.After == labs.Unchecked:
		st.State, st.Failed, st.Message = Broken, true, words.Kept("it can't be checked: %s", worst.Message)
	case first.After == "" && first.Before == labs.Passed:
		st.State, st.Failed, st.Message = Early, demanding, words.Kept("it passes before the work, and there is no work to do")
	case first.After == "":
		st.State, st.Failed = Untried, demanding
		st.Message = words.Kept("no solution is known: add a solve script, a solution, or blocks that can be run")
	case first.After != labs.Passed:
		st.State, st.Failed, st.Message = Unsolvable, true, words.Kept("still red after its solution: %s", worst.Message)
	case first.Before == labs.Passed:
		st.State, st.Failed, st.Message = Early, demanding, words.Kept("it passes before the work")
	default:
		st.State = Proven
	}
	return st
}

// tally is the verdicts of plays that differ: "red, green 3x; red, red 1x".
func tally(plays []Play) string {
	count := map[string]int{}
	var order []string
	for _, o := range plays {
		k := colour(o.Before) + ", " + colour(o.After)
		if count[k]++; count[k] == 1 {
			order = append(order, k)
		}
	}
	for i, k := range order {
		order[i] = fmt.Sprintf("%s %dx", k, count[k])
	}
	return strings.Join(order, "; ")
}

func colour(o labs.Outcome) string {
	switch o {
	case labs.Passed:
		return "green"
	case labs.Failed:
		return "red"
	case "":
		return "untried"
	}
	return string(o)
}
