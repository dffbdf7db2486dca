package catalog

import (
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// item is one row, made safe.
type item struct {
	title, meta, text, category string
	mark                        string
	open                        tea.Msg
}

func courseItem(c hub.Course) item {
	it := item{
		title: safe.Line(c.Title), text: safe.Line(c.Description), category: safe.Line(c.Category),
		meta: widget.Join(safe.Line(c.Level), providerName(c.Provider), widget.Minutes(c.Duration)),
		open: screen.OpenCourse{Course: c.Slug},
	}
	if !c.Free {
		it.meta = widget.Join("premium", it.meta)
	}
	if c.Enrolled {
		it.mark = "✓ "
	}
	return it
}

func labItem(l hub.Lab) item {
	it := item{
		title: safe.Line(l.Title), text: safe.Line(l.Description),
		meta: widget.Join(safe.Line(l.Difficulty), widget.Minutes(l.EstimatedTime)),
		open: screen.OpenLab{Lab: l.ID},
	}
	if !l.Runnable {
		it.mark = "✗ "
		it.meta = widget.Join(it.meta, "can't run here")
		if l.Reason != "" {
			it.text = safe.Line(l.Reason)
		}
	}
	return it
}

func providerName(p string) string {
	switch p {
	case "aws":
		return "AWS"
	case "azure":
		return "Azure"
	case "gcp":
		return "Google Cloud"
	case "multi":
		return "any cloud"
	}
	return safe.Line(p)
}

// rows is how many items are in sight.
func (m Model) rows() int { return max(1, (m.height-4)/m.tall()) }

// tall is the lines of one item: cramped screens have no descriptions.
func (m Model) tall() int {
	if m.height < 12 {
		return 1
	}
	return 2
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
		body = widget.Failed(th, m.err, m.env.SignIn, m.width, height)
	case !m.loaded:
		body = widget.Loading(th, m.width, height)
	case len(shown) == 0 && m.busy:
		body = widget.Message(th, "Searching…", nil, m.width, height)
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
	set := widget.Join(providerName(m.ask.provider), m.ask.level, m.ask.category)
	switch {
	case set != "":
		return th.Accent.Render("only " + set)
	case m.width < 60:
		return ""
	case m.labs:
		return th.Faint.Render("all labs")
	}
	return th.Faint.Render("all courses")
}

func (m Model) empty(height int) string {
	what := "courses"
	if m.labs {
		what = "labs"
	}
	if m.search.Value == "" && m.ask == (question{}) {
		return widget.Message(m.env.Theme, "No "+what+" yet", []string{"Nothing has been published on this server."}, m.width, height)
	}
	return widget.Message(m.env.Theme, "Nothing found", []string{"No " + what + " match. Press 0 to clear the search and the filters."}, m.width, height)
}

func (m Model) list(shown []item, height int) string {
	th := m.env.Theme
	var p widget.Page
	for i, it := range shown {
		on := i == m.cursor.At && !m.search.Focus
		lines := []string{widget.Row(th, on, it.mark+it.title, it.meta, m.width)}
		if m.tall() > 1 {
			lines = append(lines, th.Faint.Render(widget.Fit("    "+it.text, m.width-2)))
		}
		p.Row(i == m.cursor.At, lines...)
	}
	if m.next != "" {
		p.Add(th.Faint.Render("    … more below"))
	}
	return p.View(m.width, height)
}
