// Package lesson is the screen to read a lesson on, and the way from there to
// its quiz, its lab and the lessons around it.
package lesson

import (
	"context"
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
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
}

type loadedMsg struct {
	lesson  hub.Lesson
	lessons []hub.Lesson
	err     error
}

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
	loaded, done  bool
	unfold        bool
	err           error
	lesson        hub.Lesson
	lessons       []hub.Lesson
	text          widget.Scroll
	pick          widget.Pick
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
	return l
}

// Update is a pure function of m and msg, but for drawing the text once.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.draw()
	case loadedMsg:
		m.loaded, m.err, m.lesson, m.lessons = true, msg.err, msg.lesson, msg.lessons
		m.draw()
	case doneMsg:
		if msg.err != nil {
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.done = true
		m.draw()
		said := "Marked as done."
		if m.neighbour(1) != "" {
			said += " n opens the next lesson."
		}
		return m, screen.Go(screen.Said{Text: said})
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
	switch {
	case key.Matches(k, next) || key.Matches(k, previous):
		by := 1
		if key.Matches(k, previous) {
			by = -1
		}
		if id := m.neighbour(by); id != "" {
			return m, screen.Go(screen.OpenLesson{Course: m.course, Lesson: id, Replace: true})
		}
	case m.text.Move(keys, k, m.height-2):
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
	}
	return m, nil
}

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
	if u := safe.Line(m.lesson.VideoURL); u != "" {
		src = m.env.Theme.T("Video:") + " <" + strings.ReplaceAll(u, ">", "") + ">\n\n" + src
	}
	width := min(m.width-5, widest)
	text, blocks := markdown.Render(src, markdown.Options{Width: width, Styled: true, Color: !m.env.Mono, Links: true, Unfold: m.unfold})
	m.pick.Blocks = blocks
	m.text.Lines = nil
	if text != "" {
		m.text.Lines = strings.Split(text, "\n")
	}
	m.end()
	for i, l := range m.text.Lines {
		m.text.Lines[i] = "  " + l
	}
	m.text.Clamp(m.height - 2)
}

// end adds what can be done after reading.
func (m *Model) end() {
	th := m.env.Theme
	var ways []string
	add := func(b key.Binding, what string) {
		ways = append(ways, th.Accent.Render(b.Help().Key)+"  "+what)
	}
	if m.lesson.Quiz != nil {
		add(quiz, th.N(len(m.lesson.Quiz.Questions), "take the quiz: %d question", "take the quiz: %d questions", len(m.lesson.Quiz.Questions)))
	}
	if m.lesson.Lab != "" {
		add(openLab, th.Tf("practise in the lab %s", safe.Line(m.lesson.Lab)))
	}
	if m.done {
		ways = append(ways, th.Good.Render("✓")+th.T("  done"))
	} else {
		add(done, th.T("mark this lesson done"))
	}
	if m.neighbour(1) != "" {
		add(next, th.T("next lesson"))
	}
	m.text.Lines = append(m.text.Lines, "", th.Faint.Render(strings.Repeat("─", min(m.width-6, 40))))
	m.text.Lines = append(m.text.Lines, ways...)
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

// Typing reports whether the next key picks a block.
func (m Model) Typing() bool { return m.pick.Active }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	if m.pick.Active {
		return m.pick.Keys()
	}
	k := m.env.Theme.Keys
	out := []key.Binding{k.Scroll}
	if m.neighbour(1) != "" {
		out = append(out, next)
	}
	if m.neighbour(-1) != "" {
		out = append(out, previous)
	}
	out = append(out, done)
	if m.lesson.Quiz != nil {
		out = append(out, quiz)
	}
	if m.lesson.Lab != "" {
		out = append(out, openLab)
	}
	if strings.Contains(m.lesson.Body, "<details") {
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
		return widget.Failed(th, m.err, m.env.SignIn, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	}
	left := "  " + th.Faint.Render(m.place())
	return widget.Between(left, th.Faint.Render(m.read()), m.width-2) + "\n\n" + m.text.View(th, m.width, m.height-2)
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
