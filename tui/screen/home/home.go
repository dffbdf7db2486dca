// Package home is the first screen: where you were, what runs, what is next,
// and how far you are.
package home

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Next(context.Context) ([]hub.NextStep, error)
	LabSessions(context.Context) ([]hub.LabSession, error)
	Progress(context.Context) ([]hub.CourseProgress, error)
	Achievements(context.Context) (hub.Achievements, error)
}

type loadedMsg struct {
	next     []hub.NextStep
	sessions []hub.LabSession
	courses  []hub.CourseProgress
	streak   hub.Streak
	away     bool // what runs is not known
	err      error
}

// tickMsg comes while time left is on the screen.
type tickMsg struct{}

// Model is the home screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	width, height int
	loaded        bool
	ticking       bool
	away          bool // what runs is not known
	err           error
	next          []hub.NextStep
	sessions      []hub.LabSession
	courses       []hub.CourseProgress
	streak        hub.Streak
	cursor        widget.Cursor
}

// New returns a home screen that loads when Init runs.
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
	var l loadedMsg
	if l.next, l.err = m.api.Next(m.ctx); l.err != nil {
		return l
	}
	if l.sessions, l.err = m.api.LabSessions(m.ctx); l.err != nil {
		if l.away = hub.CodeOf(l.err) == hub.Unavailable && m.env.Away(); !l.away {
			return l
		}
	}
	l.courses, l.err = m.api.Progress(m.ctx)
	if reached, err := m.api.Achievements(m.ctx); err == nil { // home is home without it
		l.streak = reached.Streak
	}
	return l
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		m.loaded, m.err = true, msg.err
		if msg.err == nil {
			m.next, m.courses, m.sessions, m.streak, m.away = msg.next, msg.courses, nil, msg.streak, msg.away
			for _, s := range msg.sessions {
				if !hub.Ended(s.State) {
					m.sessions = append(m.sessions, s)
				}
			}
		}
		m.cursor.Clamp(len(m.targets()))
		return m.tick()
	case tickMsg:
		m.ticking = false
		return m.tick()
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

// tick asks for a new look at the clock, when there is time left to show.
func (m Model) tick() (Model, tea.Cmd) {
	if m.ticking || len(m.sessions) == 0 {
		return m, nil
	}
	m.ticking = true
	return m, screen.After(m.ctx, 20*time.Second, tickMsg{})
}

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	targets := m.targets()
	keys := m.env.Theme.Keys
	switch {
	case m.cursor.Move(keys, k, len(targets), max(m.height/2, 1)):
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.Init()
	case key.Matches(k, keys.Open) || key.Matches(k, keys.Right):
		if len(targets) > 0 && m.err == nil {
			return m, screen.Go(targets[m.cursor.At])
		}
	}
	return m, nil
}

// targets is where each selectable row leads, in the order drawn.
func (m Model) targets() []tea.Msg {
	var out []tea.Msg
	for _, s := range m.sessions {
		out = append(out, screen.OpenLab{Lab: s.LabID, Session: s.ID})
	}
	for _, n := range m.steps() {
		out = append(out, target(n))
	}
	for _, c := range m.courses {
		out = append(out, screen.OpenCourse{Course: c.Course})
	}
	if len(m.sessions)+len(m.courses) == 0 {
		out = append(out, screen.OpenCatalog{})
		if m.env.Guest() && m.env.Joins {
			out = append(out, screen.OpenJoin{})
		}
	}
	return out
}

// steps is Next without the sessions, which have a section of their own.
func (m Model) steps() []hub.NextStep {
	var out []hub.NextStep
	for _, n := range m.next {
		if n.Kind != "lab_session" && len(out) < 5 {
			out = append(out, n)
		}
	}
	return out
}

func target(n hub.NextStep) tea.Msg {
	switch n.Kind {
	case "lesson":
		return screen.OpenLesson{Course: n.Course, Lesson: n.Lesson}
	case "quiz":
		return screen.OpenQuiz{Course: n.Course, Lesson: n.Lesson}
	case "lab", "lab_session":
		return screen.OpenLab{Lab: n.Lab, Session: n.Session}
	}
	return screen.OpenCourse{Course: n.Course}
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Home") }

// Typing reports that no key is taken as text here.
func (m Model) Typing() bool { return false }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	switch {
	case m.err != nil || !m.loaded:
		return []key.Binding{k.Reload}
	case len(m.targets()) < 2:
		return []key.Binding{k.Open, k.Reload}
	}
	return []key.Binding{k.Move, k.Open, k.Reload}
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
	row := 0
	selected := func() bool { row++; return m.cursor.At == row-1 }
	switch hello, days := "  "+th.Title.Render(m.greeting()), m.days(); {
	case ansi.StringWidth(hello+days)+4 <= m.width:
		p.Add("", widget.Between(hello, days, m.width-2))
	case m.height < 12:
		p.Add("", hello)
	default:
		p.Add("", hello, "  "+days)
	}
	if len(m.sessions) > 0 {
		p.Add("", "  "+th.Section.Render(th.T("Running labs")))
		for _, s := range m.sessions {
			on := selected()
			right := widget.Join(where(th.Speaker, s), widget.Left(th.Speaker, s.ExpiresAt, m.env.Now()))
			if m.width < 60 && s.State != hub.Provisioning { // there is room for the title or for both
				right = widget.Left(th.Speaker, s.ExpiresAt, m.env.Now())
			}
			p.Row(on, widget.Row(th, on, safe.Line(s.Title), right, m.width))
		}
	}
	beginner := len(m.sessions)+len(m.courses) == 0
	if beginner && len(m.steps()) > 0 {
		m.intro(&p)
	}
	if m.away {
		p.Add("", "  "+th.Faint.Render(th.T("Labs run at the hub: not while you are offline.")))
	}
	for i, n := range m.steps() {
		switch i {
		case 0:
			title := th.T("Continue")
			if beginner {
				title = th.T("Begin with")
			}
			p.Add("", "  "+th.Section.Render(title))
		case 1:
			p.Add("", "  "+th.Section.Render(th.T("Or")))
		}
		on := selected()
		lines := []string{widget.Row(th, on, safe.Line(n.Title), th.T(kinds[n.Kind]), m.width)}
		if n.Reason != "" {
			lines = append(lines, th.Faint.Render(widget.Fit("    "+safe.Line(th.Told(n.Reason)), m.width-2)))
		}
		p.Row(on, lines...)
	}
	if len(m.courses) > 0 {
		p.Add("", "  "+th.Section.Render(th.T("Your courses")))
		for _, c := range m.courses {
			on := selected()
			p.Row(on, m.course(c, on))
		}
	}
	switch {
	case row == 0:
		m.welcome(&p)
	case beginner:
		p.Add("")
		on := selected()
		p.Row(on, widget.Row(th, on, th.T("Browse the catalogue"), "", m.width))
	}
	return p.View(m.width, m.height)
}

var kinds = map[string]string{
	"lesson": words.Mark("lesson"), "quiz": words.Mark("quiz"), "lab": words.Mark("lab"), "course": words.Mark("course"),
}

func where(sp words.Speaker, s hub.LabSession) string {
	if s.State == hub.Provisioning {
		return sp.T("being prepared")
	}
	if s.Step == 0 || len(s.Steps) == 0 {
		return ""
	}
	return sp.Tf("step %d of %d", s.Step, len(s.Steps))
}

func (m Model) course(c hub.CourseProgress, on bool) string {
	th := m.env.Theme
	bar := min(max(m.width/4, 12), 30)
	counts := ""
	if m.width >= 70 {
		counts = "  " + widget.Fit(widget.Parts(th.Speaker, c), 22)
	}
	title := "    " + safe.Line(c.Title)
	if on {
		title = th.Selected.Render("  › " + safe.Line(c.Title))
	}
	return widget.Between(title, widget.Bar(th, c.Percentage, bar)+th.Faint.Render(counts), m.width-2)
}

func (m Model) greeting() string {
	th, name := m.env.Theme, safe.Line(m.env.User.Profile.DisplayName)
	if name == "" {
		name = safe.Line(m.env.User.Username)
	}
	switch {
	case m.env.Guest():
		return th.T("Welcome to CloudMastersHub")
	case len(m.courses) == 0 && len(m.sessions) == 0:
		return th.Tf("Welcome, %s", name)
	}
	return th.Tf("Welcome back, %s", name)
}

// days is what was done on the last ones, and how many there are in a row.
func (m Model) days() string {
	th, s, text := m.env.Theme, m.streak, ""
	switch {
	case s.Current == 0:
		return ""
	case s.Today:
		text = th.N(s.Current, "✓ %d day in a row", "✓ %d days in a row", s.Current)
	default:
		text = th.N(s.Current, "%d day in a row, today to come", "%d days in a row, today to come", s.Current)
	}
	text = th.Accent.Render(text)
	if last := widget.DaysOf(m.courses, m.env.Now().Location()).Last(th, m.env.Now(), 14); last != "" && m.width >= 70 {
		text = last + "  " + text
	}
	return text
}

// intro says what this is; a cramped screen does without.
func (m Model) intro(p *widget.Page) {
	if m.height < 12 && len(m.steps()) > 0 {
		return
	}
	p.Add("")
	for _, l := range widget.Wrap(m.env.Theme.T("Learn cloud engineering in this terminal: short lessons, quizzes, and labs in a real machine of your own."), m.width-6) {
		p.Add("  " + l)
	}
}

// welcome is for who has nothing yet.
func (m Model) welcome(p *widget.Page) {
	th := m.env.Theme
	m.intro(p)
	p.Add("")
	for i, way := range []string{th.T("Browse the catalogue"), th.T("Make an account, or sign in with yours")} {
		if i == 0 || m.env.Guest() && m.env.Joins {
			p.Row(i == m.cursor.At, widget.Row(th, i == m.cursor.At, way, "", m.width))
		}
	}
	if m.env.Guest() {
		p.Add("")
		for _, l := range widget.Wrap(th.T("You are browsing as a guest.")+" "+m.env.SignIn, m.width-6) {
			p.Add("  " + th.Faint.Render(l))
		}
	}
}
