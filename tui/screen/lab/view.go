package lab

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
)

const (
	side = 34 // columns of the list of steps, where there is room for it
	wide = 100
)

// cramped screens do without the empty lines.
func (m Model) cramped() bool { return m.height < 12 }

// room is how many lines the text has.
func (m Model) room() int {
	around := 5 + len(m.status())
	if m.cramped() {
		around -= 3
	}
	return max(m.height-around, 1)
}

func (m Model) column() int {
	if m.width >= wide && len(m.states()) > 0 {
		return m.width - side
	}
	return m.width
}

// source is the Markdown shown.
func (m Model) source() string {
	if s := m.written(m.step()); s != nil {
		return s.Text
	}
	src := m.lab.Description
	if m.lab.Instructions != "" {
		src += "\n\n" + m.lab.Instructions
	}
	return src
}

// draw lays the text out anew, and returns the line where the last note is.
func (m *Model) draw() int {
	if !m.loaded || m.err != nil {
		return 0
	}
	m.text.Lines, m.pick.Blocks = nil, nil
	m.add(m.source())
	at := len(m.text.Lines)
	for _, n := range m.notes[m.step()] {
		at = len(m.text.Lines)
		m.text.Lines = append(m.text.Lines, "", "  "+m.env.Theme.Accent.Render("── "+n.title+" ──"), "")
		m.add(n.text)
	}
	if m.finished() && m.lab.Finish != "" {
		at = len(m.text.Lines)
		m.text.Lines = append(m.text.Lines, "", "  "+m.env.Theme.Good.Render("── "+m.env.Theme.T("All steps done")+" ──"), "")
		m.add(m.lab.Finish)
	}
	if !m.running() {
		m.outline()
	}
	m.text.Clamp(m.room())
	return at
}

// add appends a Markdown text; its blocks are numbered on from those before.
func (m *Model) add(src string) {
	o := m.env.Page(min(m.column()-5, 92))
	o.Unfold, o.Bare, o.From = m.unfold, true, len(m.pick.Blocks)
	text, blocks := m.env.Pages.Draw(src, o)
	m.pick.Blocks = append(m.pick.Blocks, blocks...)
	if text == "" {
		return
	}
	for l := range strings.SplitSeq(text, "\n") {
		m.text.Lines = append(m.text.Lines, "  "+l)
	}
}

// outline is the list of steps of a lab that doesn't run.
func (m *Model) outline() {
	if len(m.lab.Steps) == 0 || m.column() < m.width {
		return
	}
	th := m.env.Theme
	m.text.Lines = append(m.text.Lines, "", "  "+th.Section.Render(th.T("Steps")))
	for _, s := range m.lab.Steps {
		m.text.Lines = append(m.text.Lines, fmt.Sprintf("    %2d  %s", s.Number, safe.Line(s.Title)))
	}
}

// Title names the screen.
func (m Model) Title() string {
	if m.lab.Title != "" {
		return safe.Line(m.lab.Title)
	}
	return m.env.Theme.T("Lab")
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	switch {
	case m.err != nil:
		return m.env.Failed(m.err, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	}
	var p widget.Page
	if m.cramped() {
		p.Add(m.first(), m.second())
	} else {
		p.Add("", m.first(), m.second(), "")
	}
	text := strings.Split(m.text.View(th, m.column(), m.room()), "\n")
	if m.column() < m.width {
		list := m.list()
		for i := range text {
			right := ""
			if i < len(list) {
				right = list[i]
			}
			text[i] = widget.Fit(text[i], m.column()) + " " + right
		}
	}
	p.Add(text...)
	if !m.cramped() {
		p.Add("")
	}
	p.Add(m.status()...)
	view := p.View(m.width, m.height)
	if m.confirm != nil {
		lines := append(widget.Wrap(m.confirm.text, min(m.width-10, 56)), "", widget.YesNo(th))
		view = widget.Over(th, view, m.confirm.title, lines, m.width, m.height)
	}
	return view
}

// first is the line that says where we are, and the clock.
func (m Model) first() string {
	th := m.env.Theme
	if !m.running() {
		return "  " + th.Title.Render(widget.Fit(safe.Line(m.lab.Title), m.width-4))
	}
	title := safe.Line(m.session.Title)
	if s := m.written(m.step()); s != nil {
		title = th.Tf("Step %d of %d", s.Number, len(m.states()))
		if s.Title != "" {
			title += " · " + safe.Line(s.Title)
		}
	}
	return widget.Between("  "+th.Title.Render(title), widget.Clock(th, m.session.ExpiresAt, m.env.Now()), m.width-2)
}

// second is the line of marks, or of facts while nothing runs.
func (m Model) second() string {
	th := m.env.Theme
	if m.running() {
		var b strings.Builder
		b.WriteString(" ")
		for _, s := range m.states() {
			cursor := "  "
			if s.Number == m.session.Step {
				cursor = th.Accent.Render(" ›")
			}
			b.WriteString(cursor + widget.Step(th, s.State) + th.Faint.Render(fmt.Sprint(s.Number)))
		}
		return widget.Between(b.String(), th.Faint.Render(m.state()), m.width-2)
	}
	facts := widget.Join(widget.Level(th.Speaker, m.lab.Difficulty), widget.Minutes(th.Speaker, m.lab.EstimatedTime),
		th.N(len(m.lab.Steps), "%d step", "%d steps", len(m.lab.Steps)), safe.Line(m.lab.Image))
	return "  " + th.Faint.Render(facts)
}

func (m Model) state() string {
	switch m.session.State {
	case hub.Provisioning:
		return m.env.Theme.T("being prepared")
	case hub.Active:
		return m.env.Theme.T("shell open")
	case hub.Detached:
		return m.env.Theme.T("running")
	}
	return m.env.Theme.T(m.session.State)
}

// list is the steps down the right side.
func (m Model) list() []string {
	th := m.env.Theme
	out := []string{th.Section.Render(th.T("Steps")), ""}
	for _, s := range m.states() {
		mark, style := "  ", th.Faint
		if m.running() && s.Number == m.session.Step {
			mark, style = "› ", th.Selected
		}
		out = append(out, style.Render(mark)+widget.Step(th, s.State)+" "+style.Render(widget.Fit(safe.Line(s.Title), side-8)))
	}
	return out
}

// status is the lines at the bottom: what goes on, or what is next.
func (m Model) status() []string {
	th := m.env.Theme
	text, height := "", max(1, min(4, m.height/2))
	switch {
	case m.busy != "":
		text = th.Accent.Render("◌ ") + m.busy
	case m.preparing():
		text = th.Accent.Render("◌ ") + orElse(safe.Line(th.Told(m.session.Message)), th.T("The machine is being prepared…"))
	case m.session != nil && !m.running():
		text = ended(th.Speaker, *m.session) + th.T(" Press enter to start anew.")
	case !m.running() && !m.lab.Runnable:
		text = th.Bad.Render("✗ ") + th.T("This lab can't run here. ") + safe.Line(th.Told(m.lab.Reason))
	case !m.running() && m.env.Guest():
		text = th.T("To start it, sign in first.") + " " + m.env.SignIn
	case !m.running():
		text = th.Tf("Press %s to start: a machine of your own, where you are root.", th.Accent.Render("enter"))
	case m.verdict != "":
		text = m.verdict
	case m.finished():
		text = th.Good.Render("✓ ") + th.Tf("All steps done. Press %s to hand in.", th.Accent.Render("S"))
	case m.env.Shell != nil && m.env.Detach != "":
		text = th.Tf("%s opens the shell; %s brings you back here.", th.Accent.Render("enter"), th.Accent.Render(m.env.Detach))
		height = max(1, min(4, m.height/4)) // known after the first time
	default:
		text = th.Tf("Shell: %s", th.Accent.Render(m.ssh()))
	}
	return clip(text, m.width-4, height)
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// clip wraps styled text into at most height lines.
func clip(s string, width, height int) []string {
	lines := strings.Split(ansi.Wrap(s, width, ""), "\n")
	if len(lines) > height {
		lines = lines[:height]
		lines[height-1] = ansi.Truncate(lines[height-1]+" …", width, "…")
	}
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}
