package widget

import (
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// LabKeys are keys of a lab's screen, as its verdicts name them.
type LabKeys struct{ Next, Hint, Submit string }

// Verdict says in a line how a check went, and what one does then. last is
// that nothing comes after the step.
func Verdict(th theme.Theme, r hub.CheckResult, last bool, keys LabKeys) string {
	text := strings.TrimSpace(safe.Text(r.Message))
	and := func(more string) string { return strings.TrimSpace(text + " " + more) }
	switch r.State {
	case hub.StepPassed:
		then := th.Accent.Render(keys.Next) + " goes on."
		if last {
			then = "That was the last step: " + th.Accent.Render(keys.Submit) + " hands the lab in."
		}
		return th.Good.Render("✓ Passed.") + " " + and(then)
	case hub.StepFailed:
		if text == "" {
			text = "Have another look, or take a hint: " + th.Accent.Render(keys.Hint) + "."
		}
		return th.Bad.Render("✗ Not yet.") + " " + text
	case hub.StepError:
		if text == "" {
			text = "This is not your fault. Try again in a moment."
		}
		return th.Bad.Render("! Could not be checked.") + " " + text
	}
	return th.Faint.Render("○ Nothing to check in this step.") + " " + and(th.Accent.Render(keys.Next)+" goes on.")
}

// Solution is a solution as Markdown, its script a block for which verb, exec or
// copy, says what one can do with it.
func Solution(s hub.Solution, verb string) string {
	if s.Script == "" {
		return s.Text
	}
	return s.Text + "\n\n" + fenced(s.Script, verb)
}

// fenced is script as a block. Its fence is longer than any run of backticks
// inside.
func fenced(script, verb string) string {
	longest, run := 2, 0
	for _, r := range script {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "bash {" + verb + "}\n" + strings.TrimRight(script, "\n") + "\n" + fence
}
