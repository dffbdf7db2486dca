package lab

import (
	"context"
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/paint"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

var (
	start    = theme.Bind("enter", "start the lab", "enter", "s")
	shell    = theme.Bind("enter", "shell", "enter", "s")
	check    = theme.Bind("c", "check", "c")
	next     = theme.Bind("n", "next step", "n")
	hint     = theme.Bind("h", "hint", "h")
	solution = theme.Bind("o", "solution", "o")
	extend   = theme.Bind("e", "more time", "e")
	skip     = theme.Bind("K", "skip", "K")
	submit   = theme.Bind("S", "hand in", "S")
	stop     = theme.Bind("x", "stop", "x")
	earlier  = theme.Bind("←", "step before", "left", "[")
	after    = theme.Bind("→", "step after", "right", "]")
	unfold   = theme.Bind("u", "unfold", "u")
	copyKey  = theme.Bind("y", "copy", "y")
)

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	switch {
	case m.confirm != nil:
		yes := m.confirm.yes
		m.confirm = nil
		if s := strings.ToLower(k.String()); s == "y" || s == m.env.Theme.T("y") {
			return yes(m)
		}
		return m, nil
	case m.pick.Active:
		block, cmd := m.pick.Press(k)
		if block != nil {
			return m, tea.Batch(cmd, screen.Go(screen.Said{Text: m.env.Theme.Tf("Copied block %d. Paste it in the shell.", block.Number)}))
		}
		return m, cmd
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.load
	case m.err != nil || !m.loaded:
		return m, nil
	case key.Matches(k, unfold):
		m.unfold = !m.unfold
		m.draw()
	case key.Matches(k, copyKey):
		return m, m.pick.Start()
	case !m.running() && key.Matches(k, start):
		return m.start()
	case m.running() && m.act(k) != nil:
		return m.act(k)(m)
	default:
		m.text.Move(keys, k, m.room())
	}
	return m, nil
}

// act is what k does to a running session; nil for nothing.
func (m Model) act(k tea.KeyPressMsg) func(Model) (Model, tea.Cmd) {
	switch {
	case key.Matches(k, earlier):
		return func(m Model) (Model, tea.Cmd) { return m.turnTo(m.step() - 1), nil }
	case key.Matches(k, after):
		return func(m Model) (Model, tea.Cmd) { return m.turnTo(m.step() + 1), nil }
	case key.Matches(k, stop):
		return Model.askStop
	case !key.Matches(k, shell, check, next, hint, solution, extend, skip, submit):
		return nil
	case m.busy != "":
		return func(m Model) (Model, tea.Cmd) { return m, nil } // one at a time
	case m.preparing():
		return func(m Model) (Model, tea.Cmd) {
			return m, screen.Go(screen.Said{Text: m.env.Theme.T("The lab is still being prepared. This screen says when it is ready.")})
		}
	case key.Matches(k, shell):
		return Model.openShell
	case key.Matches(k, check):
		return Model.check
	case key.Matches(k, next):
		return m.change(m.env.Theme.T("Going on…"), m.api.NextLabStep)
	case key.Matches(k, skip):
		return m.change(m.env.Theme.T("Skipping this step…"), m.api.SkipLabStep)
	case key.Matches(k, hint):
		return Model.hint
	case key.Matches(k, solution):
		return Model.askSolution
	case key.Matches(k, extend):
		return Model.extend
	}
	return Model.askSubmit
}

func (m Model) turnTo(step int) Model {
	if m.session.Step == 0 {
		return m
	}
	// Only what has been reached can be read: a step's set-up runs before it.
	m.shown = max(1, min(step, m.session.Step))
	m.text.Offset = 0
	m.draw()
	return m
}

func (m Model) start() (Model, tea.Cmd) {
	switch {
	case m.env.Guest():
		return m, m.env.SignInFirst()
	case m.busy != "":
		return m, nil
	case !m.lab.Runnable && m.lab.Reason != "":
		return m, screen.Go(screen.Failed{Err: hub.Errorf(hub.Forbidden, "This lab can't run here: %s", hub.Word(safe.Line(m.lab.Reason)))})
	}
	m.busy = m.env.Theme.T("Starting the lab…")
	return m, func() tea.Msg {
		s, err := m.api.StartLab(m.ctx, m.lab.ID)
		if err != nil {
			return sessionMsg{err: err}
		}
		short := m.shortFor(s)
		return sessionMsg{session: s, said: short, short: short}
	}
}

// shortFor says when less of today's time is left than the lab asks for. Whoever
// can't be told works without knowing it.
func (m Model) shortFor(s hub.LabSession) string {
	u, err := m.api.Usage(m.ctx)
	if left, short := u.ShortFor(m.lab); err == nil && short {
		return m.env.Theme.Tf("%d of today's %d lab minutes are left: it ends at %s at the latest.", left, u.LabMinutes.Limit, m.env.Theme.When(s.ExtendableUntil.Local(), "15:04"))
	}
	return ""
}

// openShell gives the terminal to the lab, or says how to get in.
func (m Model) openShell() (Model, tea.Cmd) {
	if m.env.Shell == nil {
		return m, screen.Go(screen.Said{Text: m.env.Theme.Tf("Open the shell with: %s", m.ssh())})
	}
	return m, paint.Lend(m.env.Shell(m.ctx, *m.session, m.env.Theme.Look), func(err error) tea.Msg { return shellMsg{err} })
}

// ssh is the command line that reaches the session.
func (m Model) ssh() string {
	a := m.session.SSH
	if a.Port == 0 || a.Port == 22 {
		return safe.Line(fmt.Sprintf("ssh %s@%s", a.User, a.Host))
	}
	return safe.Line(fmt.Sprintf("ssh -p %d %s@%s", a.Port, a.User, a.Host))
}

func (m Model) check() (Model, tea.Cmd) {
	m.shown = 0
	m.busy, m.verdict = m.env.Theme.Tf("Checking step %d…", m.session.Step), ""
	if m.session.Step == 0 {
		m.busy = m.env.Theme.T("Checking…")
	}
	m.draw()
	return m, func() tea.Msg {
		r, err := m.api.CheckLab(m.ctx, m.session.ID, 0)
		return checkedMsg{r, err}
	}
}

func (m Model) hint() (Model, tea.Cmd) {
	step := m.step()
	m.busy = m.env.Theme.T("Looking for a hint…")
	return m, func() tea.Msg {
		h, err := m.api.LabHint(m.ctx, m.session.ID, step)
		return noteMsg{step, m.env.Theme.Tf("Hint %d of %d", h.Number, h.Of), h.Text, err}
	}
}

// askSolution asks first where it costs something.
func (m Model) askSolution() (Model, tea.Cmd) {
	for _, s := range m.session.Steps {
		if s.Number == m.step() && (s.SolutionSeen || s.State == hub.StepPassed) {
			return m.solution()
		}
	}
	m.confirm = &confirm{m.env.Theme.T("Show the solution?"), m.env.Theme.T("The step is worth less then."), Model.solution}
	return m, nil
}

func (m Model) extend() (Model, tea.Cmd) {
	m.busy = m.env.Theme.T("Asking for more time…")
	return m, func() tea.Msg {
		s, err := m.api.ExtendLab(m.ctx, m.session.ID, 0)
		return sessionMsg{session: s, said: m.env.Theme.T("There is more time now."), err: err}
	}
}

func (m Model) solution() (Model, tea.Cmd) {
	step := m.step()
	m.busy = m.env.Theme.T("Asking for the solution…")
	return m, func() tea.Msg {
		s, err := m.api.LabSolution(m.ctx, m.session.ID, step)
		return noteMsg{step, m.env.Theme.T("Solution"), widget.Solution(s, "copy"), err}
	}
}

// change is an action that answers with the session.
func (m Model) change(busy string, call func(context.Context, string) (hub.LabSession, error)) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		m.busy = busy
		return m, func() tea.Msg {
			s, err := call(m.ctx, m.session.ID)
			return sessionMsg{session: s, err: err}
		}
	}
}

func (m Model) askStop() (Model, tea.Cmd) {
	m.confirm = &confirm{m.env.Theme.T("Stop this lab?"), m.env.Theme.T("The machine ends, and what runs in it. Its files are kept where the hub keeps any: see cmh lab resume."), func(m Model) (Model, tea.Cmd) {
		return m.change(m.env.Theme.T("Stopping…"), m.api.StopLab)(m)
	}}
	return m, nil
}

func (m Model) askSubmit() (Model, tea.Cmd) {
	if n := m.undone(); n > 0 {
		return m, screen.Go(screen.Failed{Err: hub.Errorf(hub.Conflict, "Step %d is not done yet. Check it with c; a lab is handed in when every step is done.", n)})
	}
	m.confirm = &confirm{m.env.Theme.T("Hand this lab in?"), m.env.Theme.T("Every step is done. The machine is gone afterwards."), func(m Model) (Model, tea.Cmd) {
		return m.change(m.env.Theme.T("Handing in…"), m.api.SubmitLab)(m)
	}}
	return m, nil
}

// Typing reports whether the next key answers a question.
func (m Model) Typing() bool { return m.confirm != nil || m.pick.Active }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	switch {
	case m.confirm != nil:
		return []key.Binding{theme.Bind("y", "yes"), theme.Bind("any other key", "no")}
	case m.pick.Active:
		return m.pick.Keys()
	case !m.loaded || m.err != nil:
		return []key.Binding{k.Reload}
	case !m.running():
		return append(m.scrolls(start), k.Reload)
	case m.preparing():
		return m.scrolls(stop)
	}
	out := []key.Binding{shell, check, next, hint, solution}
	if m.stuck() {
		out = append(out, skip)
	}
	out = append(out, extend, submit, stop)
	if len(m.pick.Blocks) > 0 {
		out = append(out, copyKey)
	}
	if strings.Contains(m.source(), "<details") {
		out = append(out, unfold)
	}
	return append(out, earlier, after)
}

// scrolls is a key, and those that scroll where there is more text than room.
func (m Model) scrolls(first key.Binding) []key.Binding {
	if len(m.text.Lines) > m.room() {
		return []key.Binding{first, m.env.Theme.Keys.Scroll}
	}
	return []key.Binding{first}
}

// stuck reports whether the current step may be skipped.
func (m Model) stuck() bool {
	for _, s := range m.session.Steps {
		if s.Number == m.session.Step {
			return s.Attempts >= 3 && s.State != hub.StepPassed
		}
	}
	return false
}
