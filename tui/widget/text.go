// Package widget holds the pieces that two screens or more are drawn with. It
// does no I/O and asks the hub nothing.
package widget

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// Fit makes s, styled or not, exactly width columns wide, with an ellipsis
// where something is lost.
func Fit(s string, width int) string {
	width = max(width, 0)
	if ansi.StringWidth(s) > width {
		s = ansi.Truncate(s, width, "…")
	}
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// Between puts left and right at the two ends of a line of width columns. The
// left is cut when there is no room for both.
func Between(left, right string, width int) string {
	r := ansi.StringWidth(right)
	if r == 0 || r+8 > width {
		return Fit(left, width)
	}
	return Fit(left, width-r-2) + "  " + right
}

// Wrap makes a foreign text safe and wraps it.
func Wrap(s string, width int) []string {
	s = strings.TrimSpace(safe.Text(s))
	if s == "" {
		return nil
	}
	return strings.Split(ansi.Wrap(strings.ReplaceAll(s, "\t", " "), max(width, 1), ""), "\n")
}

// Bar is a progress bar with its percentage, width columns wide in all.
func Bar(th theme.Theme, percent, width int) string {
	percent = min(max(percent, 0), 100)
	cells := max(width-5, 1)
	full := cells * percent / 100
	return th.Accent.Render(strings.Repeat("█", full)) + th.Faint.Render(strings.Repeat("░", cells-full)) + fmt.Sprintf(" %3d%%", percent)
}

// Left says how much time there is until end, in whole minutes.
func Left(sp words.Speaker, end, now time.Time) string {
	m := int(end.Sub(now) / time.Minute)
	switch {
	case end.IsZero():
		return ""
	case !now.Before(end):
		return sp.T("time is up")
	case m < 1:
		return sp.T("< 1 min left")
	case m < 60:
		return sp.Tf("%d min left", m)
	}
	return sp.Tf("%d h %02d min left", m/60, m%60)
}

// hurry is how little time left is one to mind.
const hurry = 10 * time.Minute

// Clock is Left as it is drawn: it can't be overlooked when little is left.
func Clock(th theme.Theme, end, now time.Time) string {
	text := Left(th.Speaker, end, now)
	switch {
	case text == "":
		return ""
	case end.Sub(now) < hurry:
		return th.Bad.Render(text)
	}
	return th.Accent.Render(text)
}

// Ago says how long ago something was.
func Ago(sp words.Speaker, d time.Duration) string {
	switch minutes, hours := int(d.Minutes()), int(d.Hours()); {
	case d < time.Minute:
		return sp.T("a moment ago")
	case hours == 0:
		return sp.N(minutes, "%d minute ago", "%d minutes ago", minutes)
	case hours < 48:
		return sp.N(hours, "%d hour ago", "%d hours ago", hours)
	default:
		return sp.N(hours/24, "%d day ago", "%d days ago", hours/24)
	}
}

// Minutes is a duration the way people say it.
func Minutes(sp words.Speaker, m int) string {
	switch {
	case m <= 0:
		return ""
	case m < 60:
		return sp.Tf("%d min", m)
	case m%60 == 0:
		return sp.Tf("%d h", m/60)
	}
	return sp.Tf("%d h %02d min", m/60, m%60)
}

// Join joins what is not empty with a middle dot.
func Join(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, " · ")
}

// Done is the mark of something finished, begun or not begun.
func Done(th theme.Theme, percent int) string {
	switch {
	case percent >= 100:
		return th.Good.Render("✓")
	case percent > 0:
		return th.Accent.Render("◐")
	}
	return th.Faint.Render("○")
}

// Step is the mark of a lab step's state.
func Step(th theme.Theme, state string) string {
	switch state {
	case hub.StepPassed:
		return th.Good.Render("✓")
	case hub.StepFailed:
		return th.Bad.Render("✗")
	case hub.StepError:
		return th.Bad.Render("!")
	case hub.StepSkipped:
		return th.Faint.Render("–")
	}
	return th.Faint.Render("○")
}

// Said is what an error says, in the learner's language.
func Said(sp words.Speaker, err error) string {
	message := hub.MessageOf(err)
	if e, ok := errors.AsType[*hub.Error](err); ok {
		format, args := e.Format()
		return safe.Line(sp.Said(message, format, args...))
	}
	return safe.Line(sp.T(message))
}

// Explain is what to tell a learner about err: what happened, and what to do.
func Explain(sp words.Speaker, err error, signIn string) string {
	message := Said(sp, err)
	switch hub.CodeOf(err) {
	case hub.Unauthenticated:
		if signIn != "" && !strings.Contains(message, signIn) {
			message += " " + signIn
		}
	case hub.Unavailable:
		message += sp.T(" Press r to try again.")
	}
	return message
}

// Of is how many of how many.
func Of(sp words.Speaker, n, total int) string { return sp.Tf("%d of %d", n, total) }

// Parts is how much of a course is done.
func Parts(sp words.Speaker, c hub.CourseProgress) string {
	var lessons, labs string
	if n := len(c.Lessons); n > 0 {
		lessons = sp.Tf("%d/%d lessons", c.LessonsDone, n)
	}
	if n := len(c.Labs); n > 0 {
		labs = sp.Tf("%d/%d labs", c.LabsDone, n)
	}
	return Join(lessons, labs)
}

// The levels of courses and of labs, as the hub names them.
var _ = []string{
	words.Mark("beginner"), words.Mark("intermediate"), words.Mark("advanced"), words.Mark("easy"), words.Mark("medium"), words.Mark("hard"),
}

// Level is how hard something is. An author's own word stays as it is.
func Level(sp words.Speaker, level string) string { return safe.Line(sp.T(level)) }

// The states of lab sessions that are shown by their own names.
var _ = []string{
	words.Mark("provisioning"), words.Mark("ready"), words.Mark("active"), words.Mark("detached"), words.Mark("submitted"), words.Mark("expired"), words.Mark("stopped"), words.Mark("destroyed"),
}
