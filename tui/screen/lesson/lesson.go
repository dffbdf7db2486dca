// Package lesson is the screen to read a lesson on, with an outline and a search,
// and the way from there to its quiz, its lab and the lessons around it.
package lesson

import (
	"context"
	"fmt"
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
	Lesson(ctx context.Context, course, lesson string) (hub.Lesson, error)
	Lessons(ctx context.Context, course string) ([]hub.Lesson, error)
	RecordProgress(context.Context, []hub.ProgressEntry) ([]hub.ProgressEntry, error)
	Progress(context.Context) ([]hub.CourseProgress, error)
}

type loadedMsg struct {
	lesson  hub.Lesson
	lessons []hub.Lesson
	past    past
	err     error
}

// past is what the learner has done of the lesson.
type past struct{ read, quiz, lab bool }

type doneMsg struct{ err error }

// widest is the longest comfortable line.
const widest = 92

// Model is the lesson screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	course, ref   string
	width, height int
	loaded        bool
	past          past
	unfold        bool
	err           error
	lesson        hub.Lesson
	lessons       []hub.Lesson
	text          widget.Scroll
	pick          widget.Pick
	find          widget.Find
	outline       outline
}

// New returns the screen of a lesson of a course.
func New(ctx context.Context, api Backend, env screen.Env, course, lesson string) Model {
	return Model{ctx: ctx, api: api, env: env, course: course, ref: lesson, width: 80, height: 20}
}

// Init starts loading.
func (m Model) Init() tea.Cmd { return m.load }

func (m Model) load() tea.Msg {
	var l loadedMsg
	if l.lesson, l.err = m.api.Lesson(m.ctx, m.course, m.ref); l.err == nil {
		l.lessons, l.err = m.api.Lessons(m.ctx, m.course)
	}
	if l.err == nil && !m.env.Guest() {
		l.past = m.remember(l.lesson)
	}
	return l
}

// remember looks up what is done. It can be read without.
func (m Model) remember(l hub.Lesson) (p past) {
	courses, _ := m.api.Progress(m.ctx)
	for _, c := range courses {
		if c.Course != m.course && c.CourseID != m.course {
			continue
		}
		for _, d := range c.Lessons {
			if d.LessonID == l.ID {
				p.read, p.quiz = d.Percentage >= 100, d.QuizPassed != nil && *d.QuizPassed
			}
		}
		for _, d := range c.Labs {
			p.lab = p.lab || d.LabID == l.Lab && d.Percentage >= 100
		}
	}
	return p
}

// Update is a pure function of m and msg, but for drawing the text once.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.draw()
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
		m.draw()
	case loadedMsg:
		m.loaded, m.err, m.lesson, m.lessons, m.past = true, msg.err, msg.lesson, msg.lessons, msg.past
		m.draw()
	case doneMsg:
		if msg.err != nil {
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.past.read = true
		m.draw()
		th := m.env.Theme
		said := th.T("Marked as done.")
		if m.env.Away() {
			said = th.T("Marked as done on this machine. The hub is told when it can be reached.")
		}
		if m.neighbour(1) != "" {
			said += " " + th.T("n opens the next lesson.")
		}
		return m, screen.Go(screen.Said{Text: said})
	case tea.PasteMsg:
		if m.find.Asks() {
			m.seek(m.find.Press(msg))
		}
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

var (
	next     = theme.Bind("n", "next", "n", "right", "l")
	previous = theme.Bind("p", "previous", "p", "left", "h")
	done     = theme.Bind("d", "mark done", "d")
	quiz     = theme.Bind("t", "take quiz", "t")
	openLab  = theme.Bind("L", "lab", "L")
	unfold   = theme.Bind("u", "unfold", "u")
	copyKey  = theme.Bind("y", "copy", "y")
	find     = theme.Bind("/", "find", "/")
	headings = theme.Bind("o", "outline", "o")
	goOn     = theme.Bind("enter", "go on", "enter")
)

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	if m.pick.Active {
		block, cmd := m.pick.Press(k)
		if block != nil {
			return m, tea.Batch(cmd, screen.Go(screen.Said{Text: m.env.Theme.Tf("Copied block %d.", block.Number)}))
		}
		return m, cmd
	}
	if key.Matches(k, goOn) && !m.outline.open && !m.find.Asks() && m.loaded && m.err == nil {
		if m.text.Offset < len(m.text.Lines)-m.room() {
			m.text.Move(keys, tea.KeyPressMsg{Code: tea.KeyPgDown}, m.room())
			return m, nil
		}
		way, ok := m.way()
		if !ok {
			return m, screen.Go(screen.Back{}) // that was the last lesson
		}
		m.find.Close() // its n is another one
		k = tea.KeyPressMsg{Code: rune(way.Keys()[0][0]), Text: way.Keys()[0]}
	}
	switch {
	case m.outline.open:
		if line := m.outline.press(keys, k, m.room()); line >= 0 {
			m.text.Offset = line
			m.text.Clamp(m.room())
		}
	case m.find.Asks():
		m.seek(m.find.Press(k))
	case m.find.On() && key.Matches(k, widget.FindNext):
		m.seek(m.find.Next(1))
	case m.find.On() && key.Matches(k, widget.FindPrevious):
		m.seek(m.find.Next(-1))
	case m.find.On() && key.Matches(k, widget.FindEnd):
		m.find.Close()
	case key.Matches(k, next) || key.Matches(k, previous):
		by := 1
		if key.Matches(k, previous) {
			by = -1
		}
		if id := m.neighbour(by); id != "" {
			return m, screen.Go(screen.OpenLesson{Course: m.course, Lesson: id, Replace: true})
		}
	case m.text.Move(keys, k, m.room()):
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.load
	case m.err != nil || !m.loaded:
	case key.Matches(k, done) && m.env.Guest():
		return m, m.env.SignInFirst()
	case key.Matches(k, done):
		return m, m.record
	case key.Matches(k, quiz) && m.lesson.Quiz != nil:
		return m, screen.Go(screen.OpenQuiz{Course: m.course, Lesson: m.lesson.ID})
	case key.Matches(k, openLab) && m.lesson.Lab != "":
		return m, screen.Go(screen.OpenLab{Lab: m.lesson.Lab})
	case key.Matches(k, unfold):
		m.unfold = !m.unfold
		m.draw()
	case key.Matches(k, copyKey):
		return m, m.pick.Start()
	case key.Matches(k, find):
		m.find.Open(m.text.Offset)
	case key.Matches(k, headings):
		m.outline.show(m.text.Offset)
	}
	return m, nil
}

// seek brings a line into sight, with some of what is around it.
func (m *Model) seek(line int) {
	if line >= 0 && (line < m.text.Offset || line >= m.text.Offset+m.room()) {
		m.text.Offset = line - m.room()/3
		m.text.Clamp(m.room())
	}
}

// room is how many lines of the text there is room for.
func (m Model) room() int { return max(m.height-2, 1) }

func (m Model) record() tea.Msg {
	_, err := m.api.RecordProgress(m.ctx, []hub.ProgressEntry{{CourseID: m.course, LessonID: m.lesson.ID, ProgressPercentage: 100}})
	return doneMsg{err}
}

// neighbour is the id of the lesson that many places away, if there is one.
func (m Model) neighbour(by int) string {
	for i, l := range m.lessons {
		if l.ID == m.lesson.ID && i+by >= 0 && i+by < len(m.lessons) {
			return m.lessons[i+by].ID
		}
	}
	return ""
}

// draw lays the text out anew, for the width or what is unfolded.
func (m *Model) draw() {
	if !m.loaded || m.err != nil {
		return
	}
	src := m.lesson.Body
	if len(m.lesson.Resources) > 0 {
		src += "\n\n## " + m.env.Theme.T("Further reading") + "\n\n"
		for _, r := range m.lesson.Resources {
			src += "- " + escape(r.Title) + "  \n  <" + strings.ReplaceAll(safe.Line(r.URL), ">", "") + ">\n"
		}
	}
	said := ""
	if m.lesson.Transcript != "" {
		said = "<details><summary>" + m.env.Theme.T("What is said in the video") + "</summary>\n\n" + m.lesson.Transcript + "\n\n</details>\n\n"
	}
	if u := safe.Line(m.lesson.VideoURL); u != "" {
		said = m.env.Theme.T("Video:") + " <" + strings.ReplaceAll(u, ">", "") + ">\n\n" + said
	}
	src = said + src
	o := m.env.Page(min(m.width-5, widest))
	o.Unfold, o.Bare = m.unfold, true
	text, blocks, headed := m.env.Pages.Outline(src, o)
	m.pick.Blocks, m.outline.headings = blocks, headed
	m.text.Lines = nil
	if text != "" {
		m.text.Lines = strings.Split(text, "\n")
	}
	m.end()
	for i, l := range m.text.Lines {
		m.text.Lines[i] = "  " + l
	}
	m.find.Look(m.text.Lines)
	m.text.Clamp(m.room())
}

// way is what comes next: the first that is not done. It is none after a course's
// last lesson.
func (m Model) way() (key.Binding, bool) {
	switch {
	case m.env.Guest():
	case m.lesson.Quiz != nil && !m.past.quiz:
		return quiz, true
	case m.lesson.Lab != "" && !m.past.lab && !m.env.Away():
		return openLab, true
	case !m.past.read:
		return done, true
	}
	return next, m.neighbour(1) != ""
}

// end adds what can be done after reading.
func (m *Model) end() {
	th := m.env.Theme
	way, more := m.way()
	m.text.Lines = append(m.text.Lines, "", th.Faint.Render(strings.Repeat("─", min(m.width-6, 40))))
	add := func(b key.Binding, what string, done bool) {
		k := th.Accent.Render(b.Help().Key)
		if done {
			k = th.Good.Render("✓")
		}
		line := k + "  " + what
		if b.Help() == way.Help() {
			line += th.Faint.Render("   " + goOn.Help().Key)
		}
		m.text.Lines = append(m.text.Lines, line)
	}
	if m.lesson.Quiz != nil {
		if m.past.quiz {
			add(quiz, th.T("quiz passed"), true)
		} else {
			add(quiz, th.N(len(m.lesson.Quiz.Questions), "take the quiz: %d question", "take the quiz: %d questions", len(m.lesson.Quiz.Questions)), false)
		}
	}
	if m.lesson.Lab != "" {
		add(openLab, th.Tf("practise in the lab %s", safe.Line(m.lesson.Lab)), m.past.lab)
	}
	if m.past.read {
		add(done, th.T("done"), true)
	} else {
		add(done, th.T("mark this lesson done"), false)
	}
	if m.neighbour(1) != "" {
		add(next, th.T("next lesson"), false)
	} else if !more {
		m.text.Lines = append(m.text.Lines, th.Accent.Render(goOn.Help().Key)+"  "+th.T("back: that was the last lesson"))
	}
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "<", `\<`, "`", "\\`", "&", `\&`).Replace(safe.Line(s))
}

// Title names the screen.
func (m Model) Title() string {
	if m.lesson.Title != "" {
		return safe.Line(m.lesson.Title)
	}
	return m.env.Theme.T("Lesson")
}

// Typing reports whether the next key picks a block or a heading, or is what to
// look for.
func (m Model) Typing() bool { return m.pick.Active || m.outline.open || m.find.Asks() }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	switch {
	case m.pick.Active:
		return m.pick.Keys()
	case m.outline.open:
		out := []key.Binding{theme.Bind("enter", "go there"), theme.Bind("esc", "back to the text")}
		if len(m.outline.headings) > 1 {
			out = append([]key.Binding{k.Move}, out...)
		}
		return out
	case m.find.On():
		if len(m.text.Lines) > m.room() {
			return append(m.find.Keys(), k.Scroll)
		}
		return m.find.Keys()
	case !m.loaded || m.err != nil:
		return []key.Binding{k.Reload}
	}
	out := []key.Binding{goOn}
	if len(m.text.Lines) > m.room() {
		out = append(out, k.Scroll)
	}
	if m.neighbour(1) != "" {
		out = append(out, next)
	}
	if m.neighbour(-1) != "" {
		out = append(out, previous)
	}
	if !m.past.read {
		out = append(out, done)
	}
	if m.lesson.Quiz != nil {
		out = append(out, quiz)
	}
	if m.lesson.Lab != "" {
		out = append(out, openLab)
	}
	out = append(out, find)
	if len(m.outline.headings) > 0 {
		out = append(out, headings)
	}
	if strings.Contains(m.lesson.Body, "<details") || m.lesson.Transcript != "" {
		out = append(out, unfold)
	}
	if len(m.pick.Blocks) > 0 {
		out = append(out, copyKey)
	}
	return append(out, k.Reload)
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
	if m.outline.open {
		return m.outline.view(th, m.width, m.height)
	}
	head := widget.Between("  "+th.Faint.Render(m.place()), th.Faint.Render(m.read()), m.width-2)
	text := m.text
	if m.find.On() {
		head = m.find.View(th, m.width-2)
		text.Lines = m.find.Mark(text.Lines, text.Offset, m.room())
	}
	return head + "\n\n" + text.View(th, m.width, m.height-2)
}

func (m Model) place() string {
	sp := m.env.Theme.Speaker
	for i, l := range m.lessons {
		if l.ID == m.lesson.ID {
			return widget.Join(sp.Tf("Lesson %d of %d", i+1, len(m.lessons)), widget.Minutes(sp, m.lesson.Duration))
		}
	}
	return widget.Minutes(sp, m.lesson.Duration)
}

// read says how far down the text is.
func (m Model) read() string {
	below := len(m.text.Lines) - m.height + 2
	if below <= 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", 100*m.text.Offset/below)
}
