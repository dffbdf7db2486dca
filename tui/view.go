package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// View draws the whole terminal. Everything passes the filter once more: what
// a screen forgot to clean still can't reach the terminal.
func (m model) View() tea.View {
	v := tea.NewView(safe.Styled(m.draw()))
	v.AltScreen = true
	return v
}

func (m model) draw() string {
	switch {
	case m.width == 0:
		return ""
	case m.tiny():
		text := m.env.Theme.Tf("Too small: %d×%d. Needs %d×%d. q quits.", m.width, m.height, leastWidth, leastHeight)
		lines := strings.Split(ansi.Wrap(text, m.width, ""), "\n")
		return strings.Join(lines[:min(len(lines), m.height)], "\n")
	}
	th := m.env.Theme
	w, h := m.inner()
	body := widget.Loading(th, w, h)
	switch {
	case m.err != nil:
		body = m.env.Failed(m.err, w, h)
	case len(m.stack) > 0:
		body = m.stack[len(m.stack)-1].s.View()
	}
	if m.leaving != nil {
		lines := append(widget.Wrap(m.loses(), min(w-10, 48)), "", widget.YesNo(th))
		body = widget.Over(th, body, th.T("Leave?"), lines, w, h)
	}
	if m.help {
		body = widget.Over(th, body, th.T("Keys"), m.helpPage(), w, h)
	}
	lines := strings.Split(body, "\n")
	for len(lines) < h {
		lines = append(lines, "")
	}
	lines = lines[:h]
	bar := m.bar()
	copy(lines[max(0, h-len(bar)+1):], bar)
	rule := th.Faint.Render(strings.Repeat("─", m.width))
	out := append([]string{m.title(), rule}, lines...)
	out = append(out, bar[len(bar)-1], " "+m.keyLine())
	return strings.Join(out, "\n")
}

// title is the bar at the top: the tabs, or the way to where we are.
func (m model) title() string {
	th := m.env.Theme
	who := safe.Line(m.env.User.Username)
	switch {
	case !m.known:
		who = ""
	case m.env.Guest():
		who = th.T("guest")
	}
	brand := " "
	if m.width >= 70 {
		brand = " " + th.Brand.Render("CloudMastersHub") + "   "
	}
	if len(m.stack) > 1 {
		way := th.Faint.Render(th.T(tabs[m.tab]) + " › ")
		if n := len(m.stack); n > 2 && m.width >= 60 {
			way += th.Faint.Render(widget.Fit(m.stack[n-2].s.Title(), min(ansi.StringWidth(m.stack[n-2].s.Title()), 24)) + " › ")
		}
		return widget.Between(brand+way+th.Title.Render(m.stack[len(m.stack)-1].s.Title()), th.Faint.Render(who)+" ", m.width)
	}
	line := brand
	for i, name := range tabs {
		name = th.T(name)
		if i == m.tab && m.known {
			line += th.Accent.Render("▸") + th.Selected.Render(fmt.Sprintf("%d %s", i+1, name)) + " "
		} else {
			if m.width < 60 { // there is room for one name
				name = ""
			}
			line += " " + th.Faint.Render(strings.TrimSpace(fmt.Sprintf("%d %s", i+1, name))) + " "
		}
		if m.width >= 60 {
			line += " "
		}
	}
	right := th.Faint.Render(who) + " "
	if m.width < 60 {
		right = ""
	}
	return widget.Between(strings.TrimRight(line, " "), right, m.width)
}

// bar is the rule above the keys, or what there is to say: at most three
// lines, of which all but the last cover the end of the screen.
func (m model) bar() []string {
	th := m.env.Theme
	text, style := m.said, th.Accent
	if m.failed != nil {
		text, style = "✗ "+widget.Explain(th.Speaker, m.failed, m.o.SignIn), th.Bad
	}
	if text == "" {
		return []string{m.rule()}
	}
	lines := widget.Wrap(text, m.width-2)
	if len(lines) > 3 {
		lines = lines[:3]
		lines[2] = widget.Fit(lines[2]+" …", m.width-2)
	}
	for i := range lines {
		lines[i] = widget.Fit(" "+style.Render(lines[i]), m.width)
	}
	return lines
}

func (m model) keyLine() string {
	th := m.env.Theme
	var keys []key.Binding
	switch {
	case len(m.stack) == 0 && m.err != nil:
		keys = []key.Binding{th.Keys.Reload, th.Keys.Quit}
	case len(m.stack) == 0:
		keys = []key.Binding{th.Keys.Quit}
	case m.help:
		if _, h := m.inner(); len(m.helpLines()) > max(h-2, 1) {
			keys = append(keys, th.Keys.Scroll)
		}
		keys = append(keys, th.Keys.Back)
	case m.leaving != nil:
		keys = []key.Binding{theme.Bind("y", "yes"), theme.Bind("any other key", "no")}
	case m.stack[len(m.stack)-1].s.Typing():
		return widget.Keys(th, m.stack[len(m.stack)-1].s.Keys(), m.width-2)
	default:
		ends := slices.DeleteFunc(m.ends(), func(b key.Binding) bool { return m.listed(b) })
		mine := m.stack[len(m.stack)-1].s.Keys()
		for {
			end := widget.Keys(th, ends, m.width-2)
			if own := widget.Keys(th, mine, m.width-5-ansi.StringWidth(end)); own != "" {
				return own + th.Faint.Render(" · ") + end
			}
			if len(ends) < 2 || len(mine) == 0 {
				return end
			}
			if last := len(ends) - 1; ends[last].Help().Key == th.Keys.Quit.Help().Key {
				ends = ends[:last] // what the screen is for comes first; help names the rest
			} else {
				ends = ends[1:]
			}
		}
	}
	return widget.Keys(th, keys, m.width-2)
}

// ends are the keys that every help line closes with, where there is room for them.
func (m model) ends() []key.Binding {
	k := m.env.Theme.Keys
	if len(m.stack) > 1 || m.tab > 0 {
		return []key.Binding{k.Back, k.Help, k.Quit}
	}
	return []key.Binding{k.Help, k.Quit}
}

// listed reports whether the screen's own keys have that one.
func (m model) listed(b key.Binding) bool {
	return slices.ContainsFunc(m.stack[len(m.stack)-1].s.Keys(), func(mine key.Binding) bool { return mine.Help().Key == b.Help().Key })
}

// helpPage is as much of the help as there is room for, from where one has
// scrolled to.
func (m model) helpPage() []string {
	lines := m.helpLines()
	_, h := m.inner()
	room := max(h-2, 1)
	if len(lines) <= room {
		return lines
	}
	at := min(m.helpAt, len(lines)-room)
	page := slices.Clone(lines[at : at+room])
	if at+room < len(lines) {
		page[room-1] = m.env.Theme.Faint.Render("↓ …")
	}
	return page
}

func (m model) helpLines() []string {
	th, k := m.env.Theme, m.env.Theme.Keys
	line := func(b key.Binding) string {
		return th.Accent.Render(widget.Fit(th.T(b.Help().Key), 10)) + th.T(b.Help().Desc)
	}
	var here, all []string
	if len(m.stack) > 0 {
		for _, b := range m.stack[len(m.stack)-1].s.Keys() {
			here = append(here, line(b))
		}
	}
	for _, b := range []key.Binding{
		theme.Bind("1-5", "home, catalogue, labs, progress, me"), theme.Bind("↑↓ jk", "move"), theme.Bind("pgup pgdn", "a page"),
		theme.Bind("g G", "top, bottom"), k.Filter, k.Settings, k.Back, k.Help, k.Quit,
	} {
		all = append(all, line(b))
	}
	_, h := m.inner()
	if len(here)+len(all)+3 <= h || m.width < 76 {
		return append(append(here, ""), all...)
	}
	// Side by side when there is no room for one below the other.
	var out []string
	column := 26
	for _, l := range here {
		column = max(column, ansi.StringWidth(l)+2)
	}
	for i := range max(len(here), len(all)) {
		left, right := "", ""
		if i < len(here) {
			left = here[i]
		}
		if i < len(all) {
			right = all[i]
		}
		out = append(out, widget.Fit(left, column)+right)
	}
	return out
}
