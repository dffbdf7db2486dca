// Package lab is the screen of one lab: its text, its steps, its clock, and
// the keys that start it, open its shell, check it and hand it in. The shell
// itself is injected; judging is the server's.
package lab

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// Backend is what this screen needs from the outside world. ref is a session
// id, or a lab id for the caller's current session of it.
type Backend interface {
	Lab(ctx context.Context, id string) (hub.Lab, error)
	LabSession(ctx context.Context, ref string) (hub.LabSession, error)
	StartLab(ctx context.Context, lab string) (hub.LabSession, error)
	CheckLab(ctx context.Context, ref string, step int) (hub.CheckResult, error)
	NextLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	SkipLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	LabHint(ctx context.Context, ref string, step int) (hub.Hint, error)
	LabSolution(ctx context.Context, ref string, step int) (hub.Solution, error)
	ExtendLab(ctx context.Context, ref string, minutes int) (hub.LabSession, error)
	SubmitLab(ctx context.Context, ref string) (hub.LabSession, error)
	StopLab(ctx context.Context, ref string) (hub.LabSession, error)
	Usage(ctx context.Context) (hub.Usage, error)
}

// How often the session is looked at: while it is being made, when the hub could
// not be reached, and otherwise.
const (
	soon  = 700 * time.Millisecond
	again = 3 * time.Second
	later = 20 * time.Second
)

type loadedMsg struct {
	lab     hub.Lab
	session *hub.LabSession // nil when there is none
	err     error
}

// sessionMsg is the session after an action, or after a look at it.
type sessionMsg struct {
	session hub.LabSession
	said    string
	short   string // that less time is left than the lab asks for
	quiet   bool   // a look: errors are not worth a message
	err     error
}

type checkedMsg struct {
	result hub.CheckResult
	err    error
}

// noteMsg is something to add below a step's text.
type noteMsg struct {
	step  int
	title string
	text  string
	err   error
}

// shellMsg comes when the learner is back from the shell.
type shellMsg struct{ err error }

// lookMsg comes when it is time to look at the session again.
type lookMsg struct{ turn int }

type note struct{ title, text string }

// confirm is a question that stands before an action.
type confirm struct {
	title, text string
	yes         func(Model) (Model, tea.Cmd)
}

// Model is the lab screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	ref           screen.OpenLab
	width, height int
	loaded        bool
	err           error
	lab           hub.Lab
	session       *hub.LabSession
	busy          string         // what is going on
	verdict       string         // what the last check said, styled
	shown         int            // the step whose text is shown; 0 follows the session
	notes         map[int][]note // hints and solutions by step; never changed in place
	confirm       *confirm
	short         string // what is to be said once the lab is ready
	unfold        bool
	text          widget.Scroll
	pick          widget.Pick
	turn          int // counts looks, so that only one is under way
}

// New returns the screen of a lab, or of one session of it.
func New(ctx context.Context, api Backend, env screen.Env, ref screen.OpenLab) Model {
	return Model{ctx: ctx, api: api, env: env, ref: ref, width: 80, height: 20}
}

// Init starts loading.
func (m Model) Init() tea.Cmd { return m.load }

func (m Model) load() tea.Msg {
	var l loadedMsg
	id := m.ref.Lab
	if m.ref.Session != "" {
		s, err := m.api.LabSession(m.ctx, m.ref.Session)
		if err != nil {
			return loadedMsg{err: err}
		}
		l.session, id = &s, s.LabID
	}
	if l.lab, l.err = m.api.Lab(m.ctx, id); l.err != nil {
		return l
	}
	if l.session == nil && !m.env.Guest() {
		s, err := m.api.LabSession(m.ctx, id)
		switch {
		case err == nil:
			l.session = &s
		case hub.CodeOf(err) != hub.NotFound:
			l.err = err
		}
	}
	return l
}

// running reports whether there is a session that is not over.
func (m Model) running() bool { return m.session != nil && !hub.Ended(m.session.State) }

// preparing reports whether the session can't be used yet.
func (m Model) preparing() bool { return m.running() && m.session.State == hub.Provisioning }

// step is the number of the step whose text is shown; 0 when there is none.
func (m Model) step() int {
	switch {
	case !m.running():
		return 0
	case m.shown > 0:
		return m.shown
	}
	return m.session.Step
}

// states are the steps as they stand.
func (m Model) states() []hub.StepState {
	if m.running() && len(m.session.Steps) > 0 {
		return m.session.Steps
	}
	var out []hub.StepState
	for _, s := range m.lab.Steps {
		out = append(out, hub.StepState{Number: s.Number, Title: s.Title, State: hub.StepPending})
	}
	return out
}

// finished reports whether no step is left to do.
func (m Model) finished() bool {
	if !m.running() || len(m.session.Steps) == 0 {
		return false
	}
	return m.undone() == 0 && m.session.Step >= len(m.session.Steps)
}

// undone is the first step that has yet to pass, 0 when there is none.
func (m Model) undone() int {
	if m.session == nil {
		return 0
	}
	for _, s := range m.session.Steps {
		if s.State != hub.StepPassed && s.State != hub.StepSkipped && m.checked(s.Number) {
			return s.Number
		}
	}
	return 0
}

// checked reports whether the step has a check.
func (m Model) checked(number int) bool {
	s := m.written(number)
	return s != nil && s.Checked
}

// written is the step of that number as its author wrote it; nil when there
// is none.
func (m Model) written(number int) *hub.LabStep {
	for i := range m.lab.Steps {
		if m.lab.Steps[i].Number == number {
			return &m.lab.Steps[i]
		}
	}
	return nil
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
		m.loaded, m.err, m.lab, m.session = true, msg.err, msg.lab, msg.session
		m.draw()
		return m.look()
	case sessionMsg:
		return m.got(msg)
	case checkedMsg:
		return m.judged(msg)
	case noteMsg:
		return m.noted(msg)
	case shellMsg:
		if msg.err != nil {
			return m, tea.Batch(m.refresh, screen.Go(screen.Failed{Err: msg.err}))
		}
		return m, m.reread
	case lookMsg:
		if msg.turn != m.turn || !m.running() {
			return m, nil
		}
		return m, m.refresh
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

// look plans the next look at the session.
func (m Model) look() (Model, tea.Cmd) {
	if m.preparing() {
		return m.lookIn(soon)
	}
	return m.lookIn(later)
}

func (m Model) lookIn(wait time.Duration) (Model, tea.Cmd) {
	if !m.running() {
		return m, nil
	}
	m.turn++
	return m, screen.After(m.ctx, wait, lookMsg{m.turn})
}

// reread is a refresh that the learner waits for: much may have happened in the
// shell, and what is on the screen may be wrong.
func (m Model) reread() tea.Msg {
	s, err := m.api.LabSession(m.ctx, m.session.ID)
	return sessionMsg{session: s, err: err}
}

func (m Model) refresh() tea.Msg {
	s, err := m.api.LabSession(m.ctx, m.session.ID)
	return sessionMsg{session: s, quiet: true, err: err}
}

// got takes the session over.
func (m Model) got(msg sessionMsg) (Model, tea.Cmd) {
	if !msg.quiet {
		m.busy = ""
	}
	if msg.err != nil {
		m, look := m.lookIn(again)
		if msg.quiet {
			return m, look
		}
		return m, tea.Batch(look, screen.Go(screen.Failed{Err: msg.err}))
	}
	was := m.session
	m.session = &msg.session
	if !msg.quiet {
		m.short = msg.short
	}
	var said tea.Cmd
	switch {
	case msg.said != "":
		said = screen.Go(screen.Said{Text: msg.said})
	case was != nil && was.State == hub.Provisioning && m.running() && !m.preparing():
		said = screen.Go(screen.Said{Text: strings.TrimSpace(m.env.Theme.T("The lab is ready. Enter opens its shell.") + " " + m.short)})
	}
	if was == nil || was.ID != msg.session.ID || was.Step != msg.session.Step || was.State != msg.session.State {
		if was == nil || was.ID != msg.session.ID || was.Step != msg.session.Step || !m.running() {
			m.shown, m.verdict, m.text.Offset = 0, "", 0
		}
		m.draw()
	}
	m, look := m.look()
	return m, tea.Batch(said, look)
}

// ended says how a session ended.
func ended(sp words.Speaker, s hub.LabSession) string {
	text := map[string]string{
		hub.Submitted: sp.T("This lab was handed in."),
		hub.Expired:   sp.T("The time of this lab was up."),
		hub.Stopped:   sp.T("This lab was stopped."),
	}[s.State]
	if text == "" {
		text = sp.T("This lab has ended.")
	}
	// The server's sentence is worth reading where it says more than the state.
	if m := safe.Line(sp.Told(s.Message)); strings.Contains(strings.TrimSuffix(m, "."), " ") {
		text += " " + m
	}
	return text
}

// judged shows the outcome of a check.
func (m Model) judged(msg checkedMsg) (Model, tea.Cmd) {
	m.busy = ""
	if msg.err != nil {
		return m, screen.Go(screen.Failed{Err: msg.err})
	}
	th, r := m.env.Theme, msg.result
	if m.session != nil && len(r.Steps) > 0 {
		s := *m.session
		s.Steps = r.Steps
		m.session = &s
	}
	m.verdict = widget.Verdict(th, r, r.Step >= len(m.states()), widget.LabKeys{Next: next.Help().Key, Hint: hint.Help().Key, Submit: submit.Help().Key})
	m.draw()
	return m, nil
}

// noted adds a hint or a solution below its step and goes there.
func (m Model) noted(msg noteMsg) (Model, tea.Cmd) {
	m.busy = ""
	if msg.err != nil {
		return m, screen.Go(screen.Failed{Err: msg.err})
	}
	all := make(map[int][]note, len(m.notes)+1)
	for k, v := range m.notes {
		all[k] = v
	}
	var kept []note
	for _, n := range all[msg.step] {
		if n.title != msg.title {
			kept = append(kept, n)
		}
	}
	all[msg.step] = append(kept, note{msg.title, msg.text})
	m.notes = all
	at := m.draw()
	m.text.Offset = at
	m.text.Clamp(m.room())
	return m, nil
}
