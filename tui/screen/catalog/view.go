package catalog

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// item is one row, made safe.
type item struct {
	id                    string
	enrolled              bool
	title, text, category string
	lower                 string // title and text, to be searched
	end                   int    // of the title in lower
	minutes               int
	mark                  string
	meta                  []string // facts, the most telling first
	open                  tea.Msg
}

// find makes an item one that can be searched and sorted.
func (it item) find(minutes int) item {
	it.lower, it.minutes = strings.ToLower(it.title), minutes
	it.end = len(it.lower)
	it.lower += " " + strings.ToLower(it.text)
	return it
}

func courseItem(sp words.Speaker, c hub.Course) item {
	it := item{
		id: c.ID, enrolled: c.Enrolled, title: safe.Line(c.Title), text: safe.Line(c.Description), category: safe.Line(c.Category),
		meta: []string{widget.Level(sp, c.Level), widget.Minutes(sp, c.Duration), providerName(sp, c.Provider)},
		open: screen.OpenCourse{Course: c.Slug},
	}
	if !c.Free {
		it.meta = append([]string{sp.T("premium")}, it.meta...)
	}
	return it.find(c.Duration)
}

func labItem(sp words.Speaker, l hub.Lab) item {
	it := item{
		id: l.ID, title: safe.Line(l.Title), text: safe.Line(l.Description),
		meta: []string{widget.Minutes(sp, l.EstimatedTime), widget.Level(sp, l.Difficulty)},
		open: screen.OpenLab{Lab: l.ID},
	}
	if !l.Runnable {
		it.mark = "✗ "
		it.meta = append([]string{sp.T("can't run here")}, it.meta...)
		if l.Reason != "" {
			it.text = safe.Line(sp.Told(l.Reason))
		}
	}
	return it.find(l.EstimatedTime)
}

// facts are as many of them as leave room for the title.
func (it item) facts(width int) string {
	room := width - 10 - ansi.StringWidth(it.mark+it.title)
	for n := len(it.meta); n > 0; n-- {
		if s := widget.Join(it.meta[:n]...); ansi.StringWidth(s) <= room {
			return s
		}
	}
	return ""
}

func providerName(sp words.Speaker, p string) string {
	switch p {
	case "aws":
		return "AWS"
	case "azure":
		return "Azure"
	case "gcp":
		return "Google Cloud"
	case "multi":
		return sp.T("any cloud")
	}
	return safe.Line(p)
}

// rows is how many items are in sight.
func (m Model) rows() int { return max(1, (m.height-4)/m.tall()) }

// tall is the lines of one item: cramped screens have no descriptions.
func (m Model) tall() int {
	switch {
	case m.height < 12:
		return 1
	case m.height < 20:
		return 2
	}
	return 3
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	head := widget.Between("  "+m.search.View(th, m.width/2), m.filters(), m.width-2)
	top := []string{"", head, ""}
	height := m.height - len(top)
	var body string
	switch shown := m.shown(); {
	case m.err != nil:
		body = m.env.Failed(m.err, m.width, height)
	case !m.loaded:
		body = widget.Loading(th, m.width, height)
	case len(shown) == 0 && m.busy:
		body = widget.Message(th, th.T("Searching…"), nil, m.width, height)
	case len(shown) == 0:
		body = m.empty(height)
	default:
		body = m.list(shown, height)
	}
	var p widget.Page
	p.Add(top...)
	return p.View(m.width, len(top)) + "\n" + body
}

func (m Model) filters() string {
	th := m.env.Theme
	set, by := widget.Join(providerName(th.Speaker, m.ask.provider), th.T(m.ask.level), m.ask.category), ""
	switch m.sort {
	case byTitle:
		by = th.T("by title")
	case byTime:
		by = th.T("by time")
	}
	if set != "" {
		set = th.Tf("only %s", set)
	}
	switch {
	case set != "" || by != "":
		return th.Accent.Render(widget.Join(set, by))
	case m.width < 60:
		return ""
	case m.labs:
		return th.Faint.Render(th.T("all labs"))
	}
	return th.Faint.Render(th.T("all courses"))
}

func (m Model) empty(height int) string {
	th := m.env.Theme
	none, match := th.T("No courses yet"), th.T("No courses match. Press 0 to clear the search and the filters.")
	if m.labs {
		none, match = th.T("No labs yet"), th.T("No labs match. Press 0 to clear the search and the filters.")
	}
	if m.search.Value == "" && m.ask == (question{}) {
		return widget.Message(th, none, []string{th.T("Nothing has been published on this server.")}, m.width, height)
	}
	return widget.Message(th, th.T("Nothing found"), []string{match}, m.width, height)
}

func (m Model) list(shown []item, height int) string {
	th := m.env.Theme
	var p widget.Page
	// What is a screen away from the cursor is not drawn: there may be thousands.
	from := max(0, m.cursor.At-height)
	shown = shown[from:min(len(shown), m.cursor.At+height)]
	for i, it := range shown {
		i += from
		on := i == m.cursor.At && !m.search.Focus
		it = m.dressed(it)
		lines := []string{widget.Row(th, on, it.mark+it.title, it.facts(m.width), m.width)}
		if m.tall() > 2 && i > 0 {
			p.Add("")
		}
		if m.tall() > 1 {
			lines = append(lines, th.Faint.Render(widget.Fit("    "+strings.Repeat(" ", ansi.StringWidth(it.mark))+it.text, m.width-2)))
		}
		p.Row(i == m.cursor.At, lines...)
	}
	if m.next != "" {
		p.Add(th.Faint.Render(th.T("    … more below")))
	}
	return p.View(m.width, height)
}
