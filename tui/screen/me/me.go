// Package me is the screen of the learner's own: days in a row and what was done
// on them, achievements, certificates, limits, keys and sign-ins. It changes
// nothing; the commands that do are named.
package me

import (
	"context"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Achievements(context.Context) (hub.Achievements, error)
	Progress(context.Context) ([]hub.CourseProgress, error)
	Certificates(context.Context) ([]hub.Certificate, error)
	Usage(context.Context) (hub.Usage, error)
	Keys(context.Context) ([]hub.Key, error)
	Sessions(context.Context) ([]hub.Session, error)
}

type loadedMsg struct {
	reached  hub.Achievements
	courses  []hub.CourseProgress
	certs    []hub.Certificate
	usage    hub.Usage
	keys     []hub.Key
	sessions []hub.Session
	away     bool // limits, keys and sign-ins are not known
	err      error
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

// load reads all of it. Sign-ins are seen by who is signed in with one: over SSH
// and with an API key there may be none to show.
func (m Model) load() tea.Msg {
	var l loadedMsg
	const kept = 3 // for those who go on without the hub
	for i, read := range []func() error{
		func() (err error) { l.reached, err = m.api.Achievements(m.ctx); return err },
		func() (err error) { l.courses, err = m.api.Progress(m.ctx); return err },
		func() (err error) { l.certs, err = m.api.Certificates(m.ctx); return err },
		func() (err error) { l.usage, err = m.api.Usage(m.ctx); return err },
		func() (err error) { l.keys, err = m.api.Keys(m.ctx); return err },
		func() (err error) { l.sessions, err = m.api.Sessions(m.ctx); return err },
	} {
		err := read()
		if hub.CodeOf(err) == hub.Unavailable && m.env.Away() && i >= kept {
			l.away = true
			return l
		}
		if err != nil && hub.CodeOf(err) != hub.Forbidden {
			l.err = err
			return l
		}
	}
	return l
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.draw()
	case loadedMsg:
		m.loaded, m.all = true, msg
		m.draw()
	case tea.KeyPressMsg:
		if key.Matches(msg, m.env.Theme.Keys.Reload) {
			m.loaded = false
			return m, m.Init()
		}
		m.text.Move(m.env.Theme.Keys, msg, m.height)
	}
	return m, nil
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Me") }

// Typing reports that no key is taken as text here.
func (m Model) Typing() bool { return false }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	return []key.Binding{k.Scroll, k.Reload}
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
