// Package quiz is the screen that asks a lesson's questions and shows how the
// answers did. It doesn't know the right ones: the server judges.
package quiz

import (
	"context"
	"errors"
	"slices"
	"strconv"

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
	TakeQuiz(ctx context.Context, course, lesson string, a hub.QuizAnswers) (hub.QuizResult, error)
}

type loadedMsg struct {
	lesson hub.Lesson
	err    error
}

type judgedMsg struct {
	result hub.QuizResult
	err    error
}

// Model is the quiz screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	course, ref   string
	width, height int
	loaded, busy  bool
	written       bool // the answers wait for the hub, and count once
	err           error
	lesson        hub.Lesson
	at            int // the question shown; len(questions) is the last page
	cursor        widget.Cursor
	answers       map[string][]string // never changed in place
	input         widget.Input
	result        *hub.QuizResult
	text          widget.Scroll // of the result, or of the page shown
}

// New returns the quiz of a lesson.
func New(ctx context.Context, api Backend, env screen.Env, course, lesson string) Model {
	return Model{ctx: ctx, api: api, env: env, course: course, ref: lesson, width: 80, height: 20, input: widget.Input{Prompt: "  Your answer:"}}
}

// Init starts loading.
func (m Model) Init() tea.Cmd { return m.load }

func (m Model) load() tea.Msg {
	l, err := m.api.Lesson(m.ctx, m.course, m.ref)
	return loadedMsg{l, err}
}

func (m Model) questions() []hub.Question {
	if m.lesson.Quiz == nil {
		return nil
	}
	return m.lesson.Quiz.Questions
}

// question is the one shown; nil on the last page and on the results.
func (m Model) question() *hub.Question {
	if q := m.questions(); m.result == nil && m.at < len(q) {
		return &q[m.at]
	}
	return nil
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.layout()
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
		m.layout()
	case loadedMsg:
		m.loaded, m.err, m.lesson = true, msg.err, msg.lesson
		m.open(0)
	case judgedMsg:
		m.busy = false
		if m.written = errors.Is(msg.err, hub.ErrWritten); m.written {
			m.layout()
			return m, nil
		}
		if msg.err != nil {
			m.layout()
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		m.result = &msg.result
		m.input.Focus = false
		m.text.Offset = 0
		m.layout()
	case tea.PasteMsg:
		if m.input.Focus && m.input.Update(msg) {
			m.answerText()
		}
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

// open shows question n.
func (m *Model) open(n int) {
	m.at = max(0, min(n, len(m.questions())))
	m.cursor.At, m.text.Offset = 0, 0
	m.input.Focus, m.input.Value = false, ""
	if q := m.question(); q != nil {
		given := m.answers[q.ID]
		if q.Kind == hub.Text {
			m.input.Focus = true
			if len(given) > 0 {
				m.input.Value = given[0]
			}
		}
		for i, c := range q.Choices {
			if slices.Contains(given, c.ID) {
				m.cursor.At = i
				break
			}
		}
	}
	m.layout()
}

// answer sets what is answered to the question shown.
func (m *Model) answer(given []string) {
	all := make(map[string][]string, len(m.answers)+1)
	for id, a := range m.answers {
		all[id] = a
	}
	id := m.question().ID
	all[id] = given
	if len(given) == 0 {
		delete(all, id)
	}
	m.answers = all
	m.layout()
}

func (m *Model) answerText() {
	if m.input.Value == "" {
		m.answer(nil)
		return
	}
	m.answer([]string{m.input.Value})
}

// Unsaved is what would be lost by leaving; nothing is empty.
func (m Model) Unsaved() string {
	if m.result != nil || m.written || len(m.answers) == 0 {
		return ""
	}
	return m.env.Theme.N(len(m.answers), "%d question is answered, and not handed in.", "%d questions are answered, and not handed in.", len(m.answers))
}

var (
	choose   = theme.Bind("space", "choose", "space", "x")
	next     = theme.Bind("n", "next", "n", "right", "l", "tab")
	previous = theme.Bind("p", "previous", "p", "left", "h", "shift+tab")
	handIn   = theme.Bind("enter", "hand in", "enter")
	again    = theme.Bind("r", "try again", "r")
	leave    = theme.Bind("enter", "back to the lesson", "enter")
)

// numbers choose by what stands before a choice. All of them are its own here, so
// that a slip leads nowhere else.
func numbers(q *hub.Question) key.Binding {
	return theme.Bind("1-"+strconv.Itoa(min(len(q.Choices), 9)), "choose", "1", "2", "3", "4", "5", "6", "7", "8", "9")
}

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	switch q := m.question(); {
	case m.err != nil || !m.loaded || len(m.questions()) == 0:
		if key.Matches(k, keys.Reload) {
			m.loaded, m.err = false, nil
			return m, m.load
		}
	case m.result != nil:
		switch {
		case key.Matches(k, again):
			m.result, m.answers = nil, nil
			m.open(0)
		case key.Matches(k, leave):
			return m, screen.Go(screen.Back{})
		default:
			m.text.Move(keys, k, m.height-2)
		}
	case q == nil: // the last page
		switch {
		case m.busy:
		case m.written && (key.Matches(k, leave) || key.Matches(k, previous)):
			return m, screen.Go(screen.Back{})
		case m.written:
		case key.Matches(k, previous):
			m.open(m.at - 1)
		case key.Matches(k, handIn) && m.env.Guest():
			return m, m.env.SignInFirst()
		case key.Matches(k, handIn):
			m.busy = true
			m.layout()
			return m, m.submit
		}
	case q.Kind == hub.Text:
		return m.typing(k)
	default:
		return m.choosing(k, q)
	}
	return m, nil
}

func (m Model) submit() tea.Msg {
	r, err := m.api.TakeQuiz(m.ctx, m.course, m.ref, hub.QuizAnswers{Answers: m.answers})
	return judgedMsg{r, err}
}

func (m Model) typing(k tea.KeyPressMsg) (Model, tea.Cmd) {
	switch k.String() {
	case "enter", "tab", "down":
		m.open(m.at + 1)
	case "shift+tab", "up":
		m.open(m.at - 1)
	case "esc":
		if m.input.Value == "" {
			return m, screen.Go(screen.Back{})
		}
		m.input.Value = ""
		m.answer(nil)
	default:
		if m.input.Update(k) {
			m.answerText()
		}
	}
	return m, nil
}

func (m Model) choosing(k tea.KeyPressMsg, q *hub.Question) (Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	switch {
	case key.Matches(k, numbers(q)):
		if n := int(k.String()[0] - '1'); n < len(q.Choices) {
			m.cursor.At = n
			m.choose(q)
			if q.Kind == hub.Single {
				m.open(m.at + 1)
			}
		}
	case m.cursor.At < len(q.Choices) && key.Matches(k, choose):
		m.choose(q)
	case m.cursor.At < len(q.Choices) && key.Matches(k, keys.Open):
		on := q.Kind == hub.Single || len(m.answers[q.ID]) > 0
		if q.Kind == hub.Single || !on {
			m.choose(q)
		}
		if on { // of several, enter goes on once something is chosen
			m.open(m.at + 1)
		}
	case key.Matches(k, next):
		m.open(m.at + 1)
	case key.Matches(k, previous):
		m.open(m.at - 1)
	case m.cursor.Move(keys, k, len(q.Choices), 3):
		m.layout()
	}
	return m, nil
}

// choose takes the choice under the cursor, or where several can be taken, also
// takes it back.
func (m *Model) choose(q *hub.Question) {
	id, given := q.Choices[m.cursor.At].ID, m.answers[q.ID]
	switch {
	case q.Kind == hub.Single:
		m.answer([]string{id})
	case slices.Contains(given, id):
		m.answer(slices.DeleteFunc(slices.Clone(given), func(g string) bool { return g == id }))
	default:
		m.answer(append(slices.Clone(given), id))
	}
}

// Title names the screen.
func (m Model) Title() string {
	if m.lesson.Title != "" {
		return m.env.Theme.Tf("Quiz: %s", safe.Line(m.lesson.Title))
	}
	return m.env.Theme.T("Quiz")
}

// Typing reports whether keys go into an answer.
func (m Model) Typing() bool { return m.input.Focus }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	q := m.question()
	switch {
	case m.err != nil || !m.loaded:
		return []key.Binding{k.Reload}
	case m.result != nil:
		if len(m.text.Lines) > m.height-2 {
			return []key.Binding{k.Scroll, again, leave}
		}
		return []key.Binding{again, leave}
	case q == nil && m.written:
		return []key.Binding{leave}
	case q == nil && m.busy:
		return nil
	case q == nil:
		return []key.Binding{handIn, previous}
	case q.Kind == hub.Text:
		out := []key.Binding{theme.Bind("enter", "next")}
		if m.at > 0 {
			out = append(out, theme.Bind("shift+tab", "previous"))
		}
		if m.input.Value == "" {
			return append(out, k.Back)
		}
		return append(out, theme.Bind("esc", "clear"))
	}
	out := []key.Binding{k.Move, theme.Bind("enter", "choose"), numbers(q), next}
	if q.Kind == hub.Multiple {
		out[1] = choose
	}
	if m.at > 0 {
		out = append(out, previous)
	}
	return out
}
