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
	text := strings.TrimSpace(safe.Text(th.Told(r.Message)))
	and := func(more string) string { return strings.TrimSpace(text + " " + more) }
	switch r.State {
	case hub.StepPassed:
		then := th.Tf("%s goes on.", th.Accent.Render(keys.Next))
		if last {
			then = th.Tf("That was the last step: %s hands the lab in.", th.Accent.Render(keys.Submit))
		}
		return th.Good.Render(th.T("✓ Passed.")) + " " + and(then)
	case hub.StepFailed:
		if text == "" {
			text = th.Tf("Have another look, or take a hint: %s.", th.Accent.Render(keys.Hint))
		}
		return th.Bad.Render(th.T("✗ Not yet.")) + " " + text
	case hub.StepError:
		if text == "" {
			text = th.T("This is not your fault. Try again in a moment.")
		}
		return th.Bad.Render(th.T("! Could not be checked.")) + " " + text
	}
	return th.Faint.Render(th.T("○ Nothing to check in this step.")) + " " + and(th.Tf("%s goes on.", th.Accent.Render(keys.Next)))
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
