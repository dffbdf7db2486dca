package quiz

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	switch {
	case m.err != nil:
		return m.env.Failed(m.err, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	case len(m.questions()) == 0:
		return widget.Message(th, th.T("No quiz"), []string{th.T("This lesson asks nothing.")}, m.width, m.height)
	}
	return widget.Between("  "+th.Faint.Render(m.place()), m.marks(), m.width-2) + "\n\n" + m.text.View(th, m.width, m.height-2)
}

func (m Model) place() string {
	th := m.env.Theme
	switch {
	case m.result != nil:
		return th.T("Result")
	case m.question() == nil:
		return th.T("Ready to hand in")
	}
	return th.Tf("Question %d of %d", m.at+1, len(m.questions()))
}

// marks is one mark a question: answered, right, wrong.
func (m Model) marks() string {
	th := m.env.Theme
	var b strings.Builder
	for i, q := range m.questions() {
		switch {
		case m.result != nil && m.correct(q.ID):
			b.WriteString(th.Good.Render("✓"))
		case m.result != nil:
			b.WriteString(th.Bad.Render("✗"))
		case i == m.at:
			b.WriteString(th.Accent.Render("◉"))
		case len(m.answers[q.ID]) > 0:
			b.WriteString(th.Accent.Render("●"))
		default:
			b.WriteString(th.Faint.Render("○"))
		}
	}
	return b.String()
}

func (m Model) judged(id string) (hub.QuestionResult, bool) {
	for _, r := range m.result.Questions {
		if r.ID == id {
			return r, true
		}
	}
	return hub.QuestionResult{}, false
}

func (m Model) correct(id string) bool {
	r, ok := m.judged(id)
	return ok && r.Correct
}

// layout draws the page into m.text and keeps the chosen row in sight.
func (m *Model) layout() {
	if !m.loaded || m.err != nil {
		return
	}
	m.text.Lines = nil
	switch q := m.question(); {
	case m.result != nil:
		m.results()
	case q == nil:
		m.lastPage()
	default:
		m.ask(q)
	}
	m.text.Clamp(m.height - 2)
}

func (m *Model) add(lines ...string) { m.text.Lines = append(m.text.Lines, lines...) }

func (m *Model) markdown(src, indent string) {
	o := m.env.Page(min(m.width-len(indent)-3, 92))
	o.Unfold = true
	text, _ := m.env.Pages.Draw(src, o)
	for l := range strings.SplitSeq(text, "\n") {
		m.add(indent + l)
	}
}

func (m *Model) ask(q *hub.Question) {
	th := m.env.Theme
	m.markdown(q.Prompt, "  ")
	m.add("")
	switch q.Kind {
	case hub.Text:
		m.add(m.input.View(th, m.width-4))
		return
	case hub.Multiple:
		m.add("  "+th.Faint.Render(th.T("Choose every right answer.")), "")
	}
	first, last := 0, 0
	for i, c := range q.Choices {
		chosen := slices.Contains(m.answers[q.ID], c.ID)
		box := "( )"
		switch {
		case q.Kind == hub.Multiple && chosen:
			box = "[x]"
		case q.Kind == hub.Multiple:
			box = "[ ]"
		case chosen:
			box = "(●)"
		}
		number := "  "
		if i < 9 {
			number = strconv.Itoa(i+1) + " "
		}
		for j, l := range widget.Wrap(choiceText(c), m.width-14) {
			head := "          "
			if j == 0 {
				head = "    " + number + box + " "
				if i == m.cursor.At {
					head = "  › " + number + box + " "
				}
			}
			if i == m.cursor.At {
				if j == 0 {
					first = len(m.text.Lines)
				}
				last = len(m.text.Lines)
				m.add(th.Selected.Render(head + l))
				continue
			}
			m.add(head + l)
		}
	}
	if height := m.height - 2; last >= m.text.Offset+height {
		m.text.Offset = last - height + 1
	} else if first < m.text.Offset {
		m.text.Offset = first
	}
	if m.cursor.At == 0 {
		m.text.Offset = max(0, min(m.text.Offset, last-m.height+3))
	}
}

func (m *Model) lastPage() {
	th := m.env.Theme
	if m.written {
		m.markdown(th.T("Your answers are kept on this machine. The hub marks them when it can be reached: cmh sync shows how they did."), "  ")
		return
	}
	n := len(m.questions())
	m.add("  "+th.Title.Render(th.Tf("%d of %d questions answered", len(m.answers), n)), "")
	for i, q := range m.questions() {
		if len(m.answers[q.ID]) == 0 {
			m.add("    " + th.Bad.Render("○") + " " + th.Tf("question %d of %d has no answer yet", i+1, n))
		}
	}
	if len(m.answers) < n {
		m.add("")
	}
	if m.busy {
		m.add("  " + th.Accent.Render("◌ ") + th.T("Handing in…"))
		return
	}
	m.add("  " + th.Tf("Press %s to hand in, or %s to look again.", th.Accent.Render("enter"), th.Accent.Render("p")))
}

func (m *Model) results() {
	th := m.env.Theme
	verdict := th.Bad.Render(th.T("✗ Not passed yet"))
	if m.result.Passed {
		verdict = th.Good.Render(th.T("✓ Passed"))
	}
	m.add("  "+verdict, "  "+widget.Bar(th, m.result.Score, min(m.width-6, 44)))
	if m.lesson.Quiz.Pass > 0 {
		m.add("  " + th.Faint.Render(th.Tf("needed: %s", percent(m.lesson.Quiz.Pass))))
	}
	for _, q := range m.questions() {
		mark := th.Bad.Render("✗")
		r, _ := m.judged(q.ID)
		if r.Correct {
			mark = th.Good.Render("✓")
		}
		at := len(m.text.Lines) + 1
		m.add("")
		m.markdown(q.Prompt, "    ")
		if at < len(m.text.Lines) {
			m.text.Lines[at] = "  " + mark + strings.TrimPrefix(m.text.Lines[at], "   ")
		}
		if a := m.given(q); a != "" {
			for _, l := range widget.Wrap(th.Tf("You answered: %s", a), m.width-8) {
				m.add("    " + th.Faint.Render(l))
			}
		}
		if r.Explanation != "" {
			m.markdown(r.Explanation, "    ")
		}
	}
}

// given is the learner's answer in words.
func (m Model) given(q hub.Question) string {
	var out []string
	for _, a := range m.answers[q.ID] {
		text := a
		for _, c := range q.Choices {
			if c.ID == a {
				text = choiceText(c)
			}
		}
		out = append(out, safe.Line(text))
	}
	return strings.Join(out, "; ")
}

// choiceText is a choice as it is shown. Choices are short and stand in rows of
// their own, so code in them needs no ticks around it.
func choiceText(c hub.Choice) string { return inlineCode().ReplaceAllString(c.Text, "$1") }

var inlineCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("`([^`]+)`") })

func percent(n int) string { return strconv.Itoa(n) + "%" }
