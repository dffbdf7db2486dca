// Package progress is the screen of what has been done: each course with its
// lessons and labs.
package progress

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Progress(context.Context) ([]hub.CourseProgress, error)
}

type loadedMsg struct {
	courses []hub.CourseProgress
	err     error
}

// Model is the progress screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	width, height int
	loaded        bool
	err           error
	courses       []hub.CourseProgress
	folded        map[string]bool // by course id; never changed in place
	cursor        widget.Cursor
}

// New returns a progress screen that loads when Init runs.
func New(ctx context.Context, api Backend, env screen.Env) Model {
	return Model{ctx: ctx, api: api, env: env, width: 80, height: 20}
}

// Init starts loading. A guest has nothing to load.
func (m Model) Init() tea.Cmd {
	if m.env.Guest() {
		return screen.Go(loadedMsg{})
	}
	return m.load
}

func (m Model) load() tea.Msg {
	cs, err := m.api.Progress(m.ctx)
	return loadedMsg{cs, err}
}

// row is a selectable line: a course, or a lesson or lab of it.
type row struct {
	course *hub.CourseProgress // set on the row of a course
	title  string
	meta   string
	done   int
	open   tea.Msg
}

func (m Model) rows() []row {
	var out []row
	sp := m.env.Theme.Speaker
	for i := range m.courses {
		c := &m.courses[i]
		out = append(out, row{course: c, title: safe.Line(c.Title), done: c.Percentage, open: screen.OpenCourse{Course: c.Course}})
		if m.folded[c.CourseID] {
			continue
		}
		for _, l := range c.Lessons {
			meta := when(sp, l.CompletedAt)
			if l.QuizPassed != nil {
				quiz := sp.T("quiz to do")
				if *l.QuizPassed {
					quiz = sp.T("quiz passed")
				}
				meta = widget.Join(quiz, meta)
			}
			out = append(out, row{title: safe.Line(l.Title), meta: meta, done: l.Percentage, open: screen.OpenLesson{Course: c.Course, Lesson: l.LessonID}})
		}
		for _, l := range c.Labs {
			out = append(out, row{title: safe.Line(l.Title), meta: widget.Join(sp.T("lab"), when(sp, l.CompletedAt)), done: l.Percentage, open: screen.OpenLab{Lab: l.LabID}})
		}
	}
	return out
}

func when(sp words.Speaker, t *time.Time) string {
	if t == nil {
		return ""
	}
	return sp.When(*t, "2 Jan 2006")
}

var fold = theme.Bind("space", "fold", "space", "tab")

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		m.loaded, m.courses, m.err = true, msg.courses, msg.err
		m.cursor.Clamp(len(m.rows()))
	case tea.KeyPressMsg:
		keys, rows := m.env.Theme.Keys, m.rows()
		switch {
		case key.Matches(msg, fold):
			if m.cursor.At < len(rows) && rows[m.cursor.At].course != nil {
				m.folded = toggle(m.folded, rows[m.cursor.At].course.CourseID)
			}
		case m.cursor.Move(keys, msg, len(rows), max(m.height/2, 1)):
		case key.Matches(msg, keys.Reload):
			m.loaded, m.err = false, nil
			return m, m.Init()
		case key.Matches(msg, keys.Open) || key.Matches(msg, keys.Right):
			if m.cursor.At < len(rows) {
				return m, screen.Go(rows[m.cursor.At].open)
			}
			return m, screen.Go(screen.OpenCatalog{})
		}
	}
	return m, nil
}

func toggle(set map[string]bool, id string) map[string]bool {
	out := map[string]bool{}
	for k, v := range set {
		out[k] = v
	}
	out[id] = !out[id]
	return out
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Progress") }

// Typing reports that no key is taken as text here.
func (m Model) Typing() bool { return false }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	if rows := m.rows(); m.err == nil && len(rows) > 0 {
		if m.cursor.At < len(rows) && rows[m.cursor.At].course != nil {
			return []key.Binding{k.Move, k.Open, fold, k.Reload}
		}
		return []key.Binding{k.Move, k.Open, k.Reload}
	}
	if m.err == nil && m.loaded {
		return []key.Binding{theme.Bind("enter", "catalogue"), k.Reload}
	}
	return []key.Binding{k.Reload}
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	switch {
	case m.err != nil:
		return m.env.Failed(m.err, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	case m.env.Guest():
		return widget.Message(th, th.T("Progress is kept for accounts"), []string{th.T("You are browsing as a guest.") + " " + m.env.SignIn}, m.width, m.height)
	case len(m.courses) == 0:
		return widget.Message(th, th.T("Nothing begun yet"), []string{th.T("Enroll in a course and your progress shows here. Press enter to browse the catalogue.")}, m.width, m.height)
	}
	var p widget.Page
	for i, r := range m.rows() {
		on := i == m.cursor.At
		if r.course == nil {
			text := "  " + widget.Done(th, r.done) + " "
			if on {
				p.Row(on, widget.Between(th.Selected.Render("  › ")+text+th.Selected.Render(r.title), th.Faint.Render(r.meta), m.width-2))
			} else {
				p.Row(on, widget.Between("    "+text+r.title, th.Faint.Render(r.meta), m.width-2))
			}
			continue
		}
		if i > 0 || m.height >= 12 {
			p.Add("")
		}
		p.Row(on, m.header(r, on))
	}
	return p.View(m.width, m.height)
}

func (m Model) header(r row, on bool) string {
	th := m.env.Theme
	arrow := "▾ "
	if m.folded[r.course.CourseID] {
		arrow = "▸ "
	}
	title := "    " + th.Title.Render(arrow+r.title)
	if on {
		title = th.Selected.Render("  › " + arrow + r.title)
	}
	counts := ""
	if m.width >= 70 {
		counts = "  " + th.Faint.Render(widget.Fit(widget.Parts(th.Speaker, *r.course), 22))
	}
	return widget.Between(title, widget.Bar(th, r.done, min(max(m.width/4, 12), 24))+counts, m.width-2)
}
