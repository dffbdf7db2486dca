// Package me is the screen of the learner's own: days in a row and what was done
// on them, achievements, certificates, and the way to the account. It changes
// nothing.
package me

import (
	"context"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Achievements(context.Context) (hub.Achievements, error)
	Progress(context.Context) ([]hub.CourseProgress, error)
	Certificates(context.Context) ([]hub.Certificate, error)
}

type loadedMsg struct {
	reached hub.Achievements
	courses []hub.CourseProgress
	certs   []hub.Certificate
	err     error
}

// Model is the screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	width, height int
	loaded        bool
	all           loadedMsg
	text          widget.Scroll
}

// New returns a screen that loads when Init runs.
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
	if l.reached, l.err = m.api.Achievements(m.ctx); l.err != nil {
		return l
	}
	if l.courses, l.err = m.api.Progress(m.ctx); l.err != nil {
		return l
	}
	l.certs, l.err = m.api.Certificates(m.ctx)
	return l
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.draw()
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
		m.draw()
	case loadedMsg:
		m.loaded, m.all = true, msg
		m.draw()
	case tea.KeyPressMsg:
		if key.Matches(msg, m.env.Theme.Keys.Reload) {
			m.loaded, m.all.err = false, nil
			return m, m.Init()
		}
		if key.Matches(msg, account) {
			return m, screen.Go(screen.OpenAccount{})
		}
		m.text.Move(m.env.Theme.Keys, msg, m.height)
	}
	return m, nil
}

var account = theme.Bind("a", "account", "a")

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Me") }

// Typing reports that no key is taken as text here.
func (m Model) Typing() bool { return false }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	if m.env.Guest() || m.all.err != nil {
		return []key.Binding{k.Settings, k.Reload}
	}
	if len(m.text.Lines) <= m.height {
		return []key.Binding{account, k.Settings, k.Reload}
	}
	return []key.Binding{k.Scroll, account, k.Settings, k.Reload}
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	switch {
	case m.all.err != nil:
		return m.env.Failed(m.all.err, m.width, m.height)
	case !m.loaded:
		return widget.Loading(th, m.width, m.height)
	case m.env.Guest():
		return widget.Message(th, th.T("What you reach is kept for accounts"), []string{th.T("You are browsing as a guest.") + " " + m.env.SignIn}, m.width, m.height)
	}
	return m.text.View(th, m.width, m.height)
}
