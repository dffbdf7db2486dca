package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Traveller is a Backend that goes on when the hub can't be reached. The channel
// is closed once what Standing tells has changed, so that nobody has to ask
// again and again; a nil one says that it never will.
type Traveller interface {
	Standing() (hub.Standing, <-chan struct{})
}

// standingMsg comes when it stands otherwise with the hub.
type standingMsg struct{}

// watch waits for the next change.
func (m model) watch() tea.Cmd {
	t, ok := m.api.(Traveller)
	if !ok {
		return nil
	}
	now, changed := t.Standing()
	if now != m.stood {
		return func() tea.Msg { return standingMsg{} }
	}
	if changed == nil {
		return nil
	}
	return func() tea.Msg {
		select {
		case <-changed:
			return standingMsg{}
		case <-m.ctx.Done():
			return nil
		}
	}
}

// stands looks how it stands now, and says what has become better. A tab then
// looks again; who reads or answers is left in peace.
func (m model) stands() (model, tea.Cmd) {
	was := m.stood
	if m.env.Standing == nil {
		return m, nil
	}
	m.stood = m.env.Standing()
	th, back := m.env.Theme, was.Away && !m.stood.Away
	var said []string
	if back {
		said = append(said, th.T("Online again."))
	}
	if n := m.stood.Told - was.Told; n > 0 {
		said = append(said, th.N(n, "The hub has recorded %d change that you made offline.", "The hub has recorded %d changes that you made offline.", n))
	}
	if len(said) > 0 {
		m.said, m.failed = strings.Join(said, " "), nil
	}
	cmds := []tea.Cmd{m.watch()}
	switch {
	case back && m.err != nil: // it was gone before anything could be shown
		m.err = nil
		cmds = append(cmds, m.profile)
	case back && len(m.stack) == 1:
		top := m.stack[0]
		cmds = append(cmds, tag(top.id, top.s.Init()))
	}
	return m, tea.Batch(cmds...)
}

// rule is the line above the keys. Without the hub it says so, and how old what
// is shown may be: as much of that as there is room for.
func (m model) rule() string {
	th := m.env.Theme
	if !m.env.Away() {
		return th.Faint.Render(strings.Repeat("─", m.width))
	}
	now := m.env.Standing()
	var age, waits string
	if !now.AsOf.IsZero() {
		age = th.Tf("as of %s", widget.Ago(th.Speaker, m.env.Now().Sub(now.AsOf)))
	}
	if now.Waits > 0 {
		waits = th.N(now.Waits, "%d change waits", "%d changes wait", now.Waits)
	}
	text := widget.Join(th.T("Offline"), age, waits)
	if ansi.StringWidth(text) > m.width-6 {
		text = widget.Join(th.T("Offline"), waits)
	}
	text = ansi.Truncate(text, m.width-6, "…")
	return th.Faint.Render("── ") + text + th.Faint.Render(" "+strings.Repeat("─", max(0, m.width-4-ansi.StringWidth(text))))
}
