// Package course is the screen of one course: what it teaches, and the path
// through its lessons and labs.
package course

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Course(ctx context.Context, course string) (hub.Course, error)
	Progress(context.Context) ([]hub.CourseProgress, error)
	Enroll(ctx context.Context, course string) (hub.Enrollment, error)
	Leave(ctx context.Context, course string) error
}

type loadedMsg struct {
	course   hub.Course
	progress *hub.CourseProgress
	err      error
}

type (
	enrolledMsg struct{ err error }
	leftMsg     struct{ err error }
)

// Model is the course screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	ref           string
	width, height int
	loaded, busy  bool
	asks          bool // whether to leave the course
	err           error
	course        hub.Course
	progress      *hub.CourseProgress // nil when not enrolled
	cursor        widget.Cursor
}

// New returns the screen of a course, by slug or id.
func New(ctx context.Context, api Backend, env screen.Env, course string) Model {
	return Model{ctx: ctx, api: api, env: env, ref: course, width: 80, height: 20}
}

// Init starts loading.
func (m Model) Init() tea.Cmd { return m.load }

func (m Model) load() tea.Msg {
	var l loadedMsg
	if l.course, l.err = m.api.Course(m.ctx, m.ref); l.err != nil || m.env.Guest() {
		return l
	}
	all, err := m.api.Progress(m.ctx)
	if err != nil {
		l.err = err
		return l
	}
	for _, p := range all {
		if p.CourseID == l.course.ID || p.Course == l.course.Slug {
			l.progress = &p
		}
	}
	return l
}

// row is a place on the path.
type row struct {
	title, meta string
	percent     int
	open        tea.Msg
}

// path is the lessons, each followed by its lab, then the labs of no lesson.
func (m Model) path() []row {
	c, sp := m.course, m.env.Theme.Speaker
	labs := map[string]hub.Lab{}
	for _, l := range c.Labs {
		labs[l.ID] = l
	}
	var out []row
	lab := func(l hub.Lab) {
		meta := widget.Join(sp.T("lab"), widget.Minutes(sp, l.EstimatedTime))
		switch {
		case !l.Runnable:
			meta = sp.T("lab · can't run here")
		case m.env.Away():
			meta = sp.T("lab · needs the hub")
		}
		out = append(out, row{safe.Line(l.Title), meta, m.labPercent(l.ID), screen.OpenLab{Lab: l.ID}})
	}
	for _, l := range c.Lessons {
		meta := widget.Minutes(sp, l.Duration)
		if l.Quiz != nil {
			meta = widget.Join(sp.T("quiz"), meta)
		}
		out = append(out, row{safe.Line(l.Title), meta, m.lessonPercent(l.ID), screen.OpenLesson{Course: c.Slug, Lesson: l.ID}})
		if x, ok := labs[l.Lab]; ok {
			delete(labs, l.Lab)
			lab(x)
		}
	}
	for _, l := range c.Labs {
		if _, ok := labs[l.ID]; ok {
			lab(l)
		}
	}
	return out
}

func (m Model) lessonPercent(id string) int {
	if m.progress != nil {
		for _, l := range m.progress.Lessons {
			if l.LessonID == id {
				return l.Percentage
			}
		}
	}
	return 0
}

func (m Model) labPercent(id string) int {
	if m.progress != nil {
		for _, l := range m.progress.Labs {
			if l.LabID == id {
				return l.Percentage
			}
		}
	}
	return 0
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		first := !m.loaded
		m.loaded, m.err = true, msg.err
		m.course, m.progress = msg.course, msg.progress
		if first {
			m.cursor.At = m.resume()
		}
		m.cursor.Clamp(len(m.path()))
	case enrolledMsg:
		m.busy = false
		if msg.err != nil {
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.course.Enrolled = true
		return m, tea.Batch(m.load, screen.Go(screen.Said{Text: m.env.Theme.T("You are enrolled. Enter opens where the cursor is.")}))
	case leftMsg:
		m.busy = false
		if msg.err != nil {
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.course.Enrolled, m.progress = false, nil
		return m, tea.Batch(m.load, screen.Go(screen.Said{Text: m.env.Theme.T("You have left this course. What you did in it is kept.")}))
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

// resume is the first row that is not done.
func (m Model) resume() int {
	if m.progress == nil {
		return 0
	}
	for i, r := range m.path() {
		if r.percent < 100 {
			return i
		}
	}
	return 0
}

var (
	enroll = theme.Bind("e", "enroll", "e")
	leave  = theme.Bind("x", "leave course", "x")
)

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys, path := m.env.Theme.Keys, m.path()
	if m.asks {
		m.asks = false
		if s := strings.ToLower(k.String()); s != "y" && s != m.env.Theme.T("y") {
			return m, nil
		}
		m.busy = true
		return m, func() tea.Msg { return leftMsg{m.api.Leave(m.ctx, m.ref)} }
	}
	switch {
	case m.loaded && m.err == nil && m.cursor.MoveOn(m.page(), keys, k, len(path), max(m.height/2, 1), m.height):
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.load
	case m.err != nil || !m.loaded:
	case key.Matches(k, enroll) && m.env.Guest():
		return m, m.env.SignInFirst()
	case key.Matches(k, enroll) && !m.course.Enrolled && !m.busy:
		m.busy = true
		return m, func() tea.Msg {
			_, err := m.api.Enroll(m.ctx, m.ref)
			return enrolledMsg{err}
		}
	case key.Matches(k, leave) && m.course.Enrolled && !m.busy && m.env.Away():
		return m, screen.Go(screen.Failed{Err: hub.Errorf(hub.Conflict, "Leaving a course needs the hub, and you are offline.")})
	case key.Matches(k, leave) && m.course.Enrolled && !m.busy:
		m.asks = true
	case (key.Matches(k, keys.Open) || key.Matches(k, keys.Right)) && m.cursor.At < len(path):
		return m, screen.Go(path[m.cursor.At].open)
	}
	return m, nil
}

// Title names the screen.
func (m Model) Title() string {
	if m.course.Title != "" {
		return safe.Line(m.course.Title)
	}
	return m.env.Theme.T("Course")
}

// Typing reports whether the next key is an answer.
func (m Model) Typing() bool { return m.asks }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	if m.asks {
		return []key.Binding{theme.Bind("y", "yes"), theme.Bind("any other key", "no")}
	}
	var out []key.Binding
	switch {
	case !m.loaded || m.err != nil:
		return []key.Binding{k.Reload}
	case len(m.path()) > 0:
		out = append(out, k.Move, k.Open)
	}
	if m.course.Enrolled {
		return append(out, leave, k.Reload)
	}
	return append(out, enroll, k.Reload)
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
	view := m.page().ViewAbove(m.cursor.Above, m.width, m.height)
	if m.asks {
		view = widget.Over(th, view, th.T("Leave this course?"), widget.Wrap(th.T("What you did in it is kept, for when you join again."), min(m.width-10, 48)), m.width, m.height)
	}
	return view
}

// page is all of it.
func (m Model) page() *widget.Page {
	th := m.env.Theme
	var p widget.Page
	m.about(&p)
	path := m.path()
	if len(path) == 0 {
		p.Add("", "  "+th.Faint.Render(th.T("This course has no lessons yet.")))
	} else {
		p.Add("", "  "+th.Section.Render(th.T("The path")))
	}
	for i, r := range path {
		on := i == m.cursor.At
		lines := widget.Between(mark(th, on, r), th.Faint.Render(r.meta), m.width-2)
		p.Row(on, lines)
	}
	return &p
}

func mark(th theme.Theme, on bool, r row) string {
	if on {
		return th.Selected.Render("  › ") + widget.Done(th, r.percent) + " " + th.Selected.Render(r.title)
	}
	return "    " + widget.Done(th, r.percent) + " " + r.title
}

// about is the course in words. A cramped screen keeps to the path.
func (m Model) about(p *widget.Page) {
	th, c := m.env.Theme, m.course
	if m.height >= 12 {
		p.Add("")
	}
	p.Add("  " + th.Title.Render(widget.Fit(safe.Line(c.Title), m.width-4)))
	facts := []string{
		widget.Level(th.Speaker, c.Level), widget.Minutes(th.Speaker, c.Duration),
		th.N(len(c.Lessons), "%d lesson", "%d lessons", len(c.Lessons)), th.N(len(c.Labs), "%d lab", "%d labs", len(c.Labs)),
	}
	if !c.Free {
		facts = append([]string{th.T("premium")}, facts...)
	}
	p.Add("  " + th.Faint.Render(widget.Join(facts...)))
	switch {
	case m.progress != nil:
		p.Add("  " + widget.Bar(th, m.progress.Percentage, min(m.width-4, 44)))
		if at := m.progress.CompletedAt; at != nil {
			p.Add("  " + th.Good.Render("✓ "+th.Tf("Completed on %s.", th.When(*at, "2 Jan 2006"))) + " " + th.Tf("Your certificate: press %s.", th.Accent.Render("5")))
		}
	case m.course.Enrolled:
		p.Add("  " + th.Good.Render(th.T("✓ enrolled")))
	case m.env.Guest():
		for _, l := range widget.Wrap(th.T("To enroll, sign in first.")+" "+m.env.SignIn, m.width-4) {
			p.Add("  " + th.Faint.Render(l))
		}
	case m.env.Away():
		p.Add("  " + th.Faint.Render(th.T("Not enrolled yet, and joining needs the hub.")))
	default:
		p.Add("  " + th.Faint.Render(th.T("Not enrolled yet: press ")) + th.Accent.Render("e"))
	}
	if m.height < 12 {
		return
	}
	if d := widget.Wrap(c.Description, m.width-4); len(d) > 0 {
		p.Add("")
		for _, l := range d {
			p.Add("  " + l)
		}
	}
	if len(c.LearningObjectives) > 0 && (m.progress == nil || m.height >= 30) { // who has begun wants the path
		p.Add("", "  "+th.Section.Render(th.T("You will learn to")))
		for _, o := range c.LearningObjectives {
			for i, l := range widget.Wrap(o, m.width-8) {
				if i == 0 {
					p.Add("    • " + l)
				} else {
					p.Add("      " + l)
				}
			}
		}
	}
}
