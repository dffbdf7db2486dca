package labs

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
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
}

// checkTime is how long a check may run, in seconds.
const checkTime = 60

const tryAgain = " This says nothing about your work: try again."

// judge decides what the report of a check means.
func judge(sc *scenario.Scenario, n int, r *proto.CheckReport) Verdict {
	switch {
	case r.NotRun != "":
		return Verdict{Unchecked, fmt.Sprintf("Step %d could not be checked: its check did not start.", n) + tryAgain}
	case r.TimedOut:
		return Verdict{Unchecked, fmt.Sprintf("Step %d could not be checked: its check took longer than %d seconds.", n, checkTime) + tryAgain}
	case r.Signaled:
		return Verdict{Unchecked, fmt.Sprintf("Step %d could not be checked: its check was killed.", n) + tryAgain}
	case r.Exit == 0 && (!needsDone(sc, n) || saysDone(r.Stdout)):
		return Verdict{Passed, tail(r.Stdout)}
	}
	for _, said := range [][]byte{[]byte(r.Reason), r.Stdout, r.Stderr} {
		if text := tail(said); text != "" {
			return Verdict{Failed, text}
		}
	}
	return Verdict{Failed, fmt.Sprintf("Step %d is not done yet.", n)}
}

var (
	echoDone = regexp.MustCompile(`\b(?:echo|printf)\s+(?:-\w+\s+)?["']?done\b`)
	branch   = regexp.MustCompile(`(?m)(?:^|[;&|]|\bthen|\belse|\bdo)\s*(?:if|case)\s`)
	exits    = regexp.MustCompile(`\bexit\b`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
)

// needsDone reports whether the check of step n follows the old rule: it
// passes by printing "done". Scripts written for it print the word in a branch
// and always end with status 0.
func needsDone(sc *scenario.Scenario, n int) bool {
	if sc.LegacyDone {
		return true
	}
	src := comment.ReplaceAll(sc.Steps[n-1].Verify.Source, nil)
	return echoDone.Match(src) && branch.Match(src) && !exits.Match(src)
}

func saysDone(stdout []byte) bool {
	for line := range strings.Lines(string(stdout)) {
		if strings.EqualFold(strings.TrimSpace(line), "done") {
			return true
		}
	}
	return false
}

// nothing reports whether a script has no command in it: it would "pass" by
// doing nothing.
func nothing(source []byte) bool {
	return len(bytes.TrimSpace(comment.ReplaceAll(source, nil))) == 0
}
