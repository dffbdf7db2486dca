package labs

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/words"
)

// Outcome is how a check went.
type Outcome string

// The outcomes.
const (
	Passed     Outcome = "passed"
	Failed     Outcome = "failed"     // not yet right
	Unchecked  Outcome = "error"      // could not be checked; says nothing about the learner
	Unverified Outcome = "unverified" // there is no check, so there is nothing to pass
)

// Verdict is an outcome and what to tell the learner: text that may colour
// itself and holds no other control sequence.
type Verdict struct {
	Outcome Outcome
	Message string
	Checks  []CheckVerdict // of the step, in order; the outcome is all of them together
}

// CheckVerdict is how one check of a step went.
type CheckVerdict struct {
	Name     string // empty is the scenario format's own check
	Outcome  Outcome
	Expected string
	Observed string
	Message  string
}

// together makes one verdict of a step's. A step passes when every check of
// it does; one that is not right yet is worth more words than one that could
// not be run.
func together(n int, all []CheckVerdict) Verdict {
	v := Verdict{Outcome: Passed, Checks: all}
	for _, c := range all {
		if c.Outcome == Failed || c.Outcome != Passed && v.Outcome == Passed {
			v.Outcome = c.Outcome
		}
	}
	var lines []string
	for _, c := range all {
		if c.Outcome != v.Outcome {
			continue
		}
		switch {
		case c.Message == "":
		case c.Name == "" || v.Outcome == Passed:
			lines = append(lines, c.Message)
		default:
			lines = append(lines, c.Name+": "+c.Message)
		}
	}
	v.Message = strings.Join(lines, "\n")
	if v.Message == "" && v.Outcome == Failed {
		v.Message = words.Kept("Step %d is not done yet.", n)
	}
	return v
}

// unchecked says why a check could not be made.
func unchecked(n int, c scenario.Check, why string) string {
	if c.Name == "" {
		return words.Kept("Step %d could not be checked: %s", n, why)
	}
	return words.Kept("%q could not be checked: %s", c.Name, why)
}

// What the agent says that a learner has changed.
var _ = [...]string{
	words.Heard("%s is not the one that belongs there"), words.Heard("%s has been written to"), words.Heard("%s is open for writing"),
	words.Heard("%s was changed while the check ran"), words.Heard("%s was written to while the check ran"), words.Heard("%s was lowered"),
	words.Heard("%s cannot be watched"), words.Heard("the files it relies on cannot be watched"),
}

// judge decides what the report of a check means.
func judge(sc *scenario.Scenario, n int, c scenario.Check, r *proto.CheckReport, limit time.Duration) (Outcome, string) {
	not := func(why string) (Outcome, string) { return Unchecked, unchecked(n, c, why) }
	switch {
	case r.Changed != "":
		return not(words.Kept("%s, and the check relies on it. Put it back, or start the lab again.", tail([]byte(r.Changed))))
	case r.NotRun != "":
		return not(words.Kept("its check did not start. This says nothing about your work: try again."))
	case r.TimedOut:
		return not(words.Kept("its check took longer than %d seconds. This says nothing about your work: try again.", seconds(limit)))
	case r.Signaled:
		return not(words.Kept("its check was killed. This says nothing about your work: try again."))
	case r.Exit == 0 && r.Killed && !killing.Match(c.Script.Source):
		return not(words.Kept("one of its commands was killed. This says nothing about your work: try again."))
	case r.Exit == 0 && (!needsDone(sc, c) || saysDone(r.Stdout)):
		return Passed, tail(r.Stdout)
	}
	for _, said := range [][]byte{[]byte(r.Reason), r.Stdout, r.Stderr} {
		if text := tail(said); text != "" {
			return Failed, text
		}
	}
	if c.Name != "" {
		return Failed, cmp.Or(c.OnFail, words.Kept("Not done yet."))
	}
	return Failed, words.Kept("Step %d is not done yet.", n)
}

// killing finds the checks that end processes themselves.
var killing = regexp.MustCompile(`\b(?:kill|pkill|killall|timeout|ulimit)\b`)

var (
	echoDone = regexp.MustCompile(`\b(?:echo|printf)\s+(?:-\w+\s+)?["']?done\b`)
	branch   = regexp.MustCompile(`(?m)(?:^|[;&|]|\bthen|\belse|\bdo)\s*(?:if|case)\s`)
	exits    = regexp.MustCompile(`\bexit\b`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
)

// needsDone reports whether a check follows the old rule: it passes by printing
// "done". Scripts written for it print the word in a branch and always end with
// status 0. Named checks are younger than that.
func needsDone(sc *scenario.Scenario, c scenario.Check) bool {
	if sc.LegacyDone && c.Name == "" {
		return true
	}
	src := comment.ReplaceAll(c.Script.Source, nil)
	return c.Name == "" && echoDone.Match(src) && branch.Match(src) && !exits.Match(src)
}

func saysDone(stdout []byte) bool {
	for line := range strings.Lines(string(stdout)) {
		if strings.EqualFold(strings.TrimSpace(line), "done") {
			return true
		}
	}
	return false
}
