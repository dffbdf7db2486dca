// Package account is the screen of how one stands with the hub: how much of one's
// limits is used, and the API keys, SSH keys and sign-ins that act in one's name,
// each of which can be ended here. Making new ones is the commands', which are
// named.
package account

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Backend is what this screen needs from the outside world.
type Backend interface {
	Usage(context.Context) (hub.Usage, error)
	APIKeys(context.Context) ([]hub.APIKey, error)
	RevokeAPIKey(ctx context.Context, ref string) error
	Keys(context.Context) ([]hub.Key, error)
	RemoveKey(ctx context.Context, id string) error
	Sessions(context.Context) ([]hub.Session, error)
	EndSession(ctx context.Context, id string) error
}

type loadedMsg struct {
	usage    hub.Usage
	api      []hub.APIKey
	keys     []hub.Key
	sessions []hub.Session
	hidden   map[string]bool // what this sign-in may not see
	err      error
}

type endedMsg struct {
	said string
	err  error
}

// Model is the screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	api           Backend
	env           screen.Env
	width, height int
	loaded, busy  bool
	all           loadedMsg
	cursor        widget.Cursor
	asks          bool // whether to end what is under the cursor
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

// load reads all of it. What a sign-in may not see, an API key's say, is left
// out.
func (m Model) load() tea.Msg {
	l := loadedMsg{hidden: map[string]bool{}}
	for _, part := range []struct {
		name string
		read func() error
	}{
		{"usage", func() (err error) { l.usage, err = m.api.Usage(m.ctx); return err }},
		{"api", func() (err error) { l.api, err = m.api.APIKeys(m.ctx); return err }},
		{"keys", func() (err error) { l.keys, err = m.api.Keys(m.ctx); return err }},
		{"sessions", func() (err error) { l.sessions, err = m.api.Sessions(m.ctx); return err }},
	} {
		switch err := part.read(); {
		case hub.CodeOf(err) == hub.Forbidden:
			l.hidden[part.name] = true
		case err != nil:
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
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		m.loaded, m.busy, m.all = true, false, msg
		m.asks = false // it was about a row that may be another one now
		m.cursor.Clamp(len(m.rows()))
	case endedMsg:
		if msg.err != nil {
			m.busy = false
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		return m, tea.Batch(m.load, screen.Go(screen.Said{Text: msg.said}))
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

var end = theme.Bind("x", "revoke", "x")

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys, rows := m.env.Theme.Keys, m.rows()
	switch {
	case m.asks:
		m.asks = false
		if s := strings.ToLower(k.String()); s != "y" && s != m.env.Theme.T("y") || m.cursor.At >= len(rows) {
			return m, nil
		}
		m.busy = true
		r := rows[m.cursor.At]
		return m, func() tea.Msg { return endedMsg{r.ended, r.end(m.ctx)} }
	case key.Matches(k, keys.Reload):
		m.loaded, m.all.err = false, nil
		return m, m.Init()
	case m.busy || len(rows) == 0:
	case key.Matches(k, end):
		if rows[m.cursor.At].end == nil {
			return m, screen.Go(screen.Said{Text: m.env.Theme.T("That is where you are right now: cmh auth logout ends it.")})
		}
		m.asks = true
	default:
		m.cursor.MoveOn(m.page(), keys, k, len(rows), max(m.height/2, 1), m.height)
	}
	return m, nil
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Account") }

// Typing reports whether the next key answers a question.
func (m Model) Typing() bool { return m.asks }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	k := m.env.Theme.Keys
	switch {
	case m.asks:
		return []key.Binding{theme.Bind("y", "yes"), theme.Bind("any other key", "no")}
	case len(m.rows()) == 0:
		return []key.Binding{k.Reload}
	}
	return []key.Binding{k.Move, end, k.Reload}
}
