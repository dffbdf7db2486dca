// Package join is the screen on which a guest makes an account, or adds the SSH key
// that they came with to one that they have. What a key is good for, and whose it
// is then, is its Door's.
package join

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// Door lets a guest in for good.
type Door interface {
	// Key names what signs them in from then on.
	Key() string
	// Join makes an account, and Enter finds the one that there is. Sent is where a
	// message went whose code confirms the address; mostly nowhere.
	Join(ctx context.Context, r hub.Registration) (sent string, err error)
	Enter(ctx context.Context, c hub.Credentials) error
	// Confirm takes that code.
	Confirm(ctx context.Context, code string) error
}

// The pages of the screen.
const (
	fresh = iota // an account is made
	known        // there is one
	code         // it is there; its address is to be confirmed
)

var asked = [][]string{
	fresh: {words.Mark("E-mail"), words.Mark("User name"), words.Mark("Password"), words.Mark("Again")},
	known: {words.Mark("E-mail or user name"), words.Mark("Password")},
	code:  {words.Mark("Code")},
}

type (
	joinedMsg struct {
		sent string
		err  error
	}
	confirmedMsg struct{ err error }
)

// Model is the screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	door          Door
	env           screen.Env
	width, height int
	page, at      int
	busy          bool
	inputs        []widget.Input // of the page; never changed in place
	sent          string
}

// New returns the screen, with what makes an account.
func New(ctx context.Context, door Door, env screen.Env) Model {
	m := Model{ctx: ctx, door: door, env: env, width: 80, height: 20}
	return m.turnTo(fresh)
}

// turnTo shows a page. What was typed as the address stays.
func (m Model) turnTo(page int) Model {
	first := ""
	if len(m.inputs) > 0 && page != code {
		first = m.inputs[0].Value
	}
	m.page, m.at, m.inputs = page, 0, make([]widget.Input, len(asked[page]))
	for i := range m.inputs {
		m.inputs[i].Secret = m.secret(i)
	}
	m.inputs[0].Value = first
	return m
}

// Init has nothing to load.
func (m Model) Init() tea.Cmd { return nil }

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case joinedMsg:
		m.busy = false
		switch {
		case msg.err != nil:
			return m, screen.Go(screen.Failed{Err: here(msg.err)})
		case msg.sent == "":
			return m, screen.Go(screen.Joined{})
		}
		m.sent = msg.sent
		return m.turnTo(code), nil
	case confirmedMsg:
		m.busy = false
		if msg.err != nil {
			return m, screen.Go(screen.Failed{Err: msg.err})
		}
		return m, screen.Go(screen.Joined{})
	case tea.PasteMsg:
		return m.edit(msg), nil
	case tea.KeyPressMsg:
		return m.press(msg)
	}
	return m, nil
}

// here is an error of signing in without the advice to sign in.
func here(err error) error {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Code == hub.Unauthenticated {
		again := *e
		again.Code = hub.Invalid
		return &again
	}
	return err
}

func (m Model) edit(msg tea.Msg) Model {
	if m.busy {
		return m
	}
	m.inputs = append([]widget.Input(nil), m.inputs...)
	m.inputs[m.at].Update(msg)
	return m
}

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	switch {
	case m.busy:
	case k.String() == "esc" && m.page == code:
		return m, screen.Go(screen.Joined{})
	case k.String() == "esc":
		return m, screen.Go(screen.Back{})
	case k.String() == "tab" && m.page != code:
		return m.turnTo(known - m.page), nil
	case k.String() == "up" || k.String() == "shift+tab":
		m.at = max(m.at-1, 0)
	case k.String() == "down":
		m.at = min(m.at+1, len(m.inputs)-1)
	case k.String() == "enter" && m.at < len(m.inputs)-1:
		m.at++
	case k.String() == "enter":
		return m.send()
	default:
		return m.edit(k), nil
	}
	return m, nil
}

func (m Model) send() (Model, tea.Cmd) {
	given := make([]string, len(m.inputs))
	for i, in := range m.inputs {
		if given[i] = in.Value; !m.secret(i) {
			given[i] = strings.TrimSpace(in.Value)
		}
		if given[i] == "" && m.page != code {
			m.at = i
			return m, nil
		}
	}
	if m.page == fresh && given[2] != given[3] { // nobody saw what they typed
		return m, screen.Go(screen.Failed{Err: hub.Errorf(hub.Invalid, "The two passwords differ.")})
	}
	m.busy = true
	switch m.page {
	case fresh:
		return m, func() tea.Msg {
			sent, err := m.door.Join(m.ctx, hub.Registration{Email: given[0], Username: given[1], Password: given[2]})
			return joinedMsg{sent, err}
		}
	case known:
		return m, func() tea.Msg {
			return joinedMsg{err: m.door.Enter(m.ctx, hub.Credentials{Email: given[0], Password: given[1]})}
		}
	}
	if given[0] == "" { // later
		return m, screen.Go(screen.Joined{})
	}
	return m, func() tea.Msg { return confirmedMsg{m.door.Confirm(m.ctx, given[0])} }
}

// secret reports whether what is typed into a field is not to be seen.
func (m Model) secret(field int) bool {
	return m.page == fresh && field >= 2 || m.page == known && field == 1
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Join") }

// Typing reports that keys go into the fields.
func (m Model) Typing() bool { return true }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	last := theme.Bind("enter", "go on")
	switch m.page {
	case code:
		return []key.Binding{last, theme.Bind("esc", "later")}
	case known:
		return []key.Binding{last, theme.Bind("↑↓", "move"), theme.Bind("tab", "make an account instead"), theme.Bind("esc", "back")}
	}
	return []key.Binding{last, theme.Bind("↑↓", "move"), theme.Bind("tab", "I have an account"), theme.Bind("esc", "back")}
}

// View draws the screen in the size last given.
func (m Model) View() string {
	th := m.env.Theme
	title, about := th.T("Make an account"), th.Tf("Your SSH key signs you in from then on: %s", safe.Line(m.door.Key()))
	switch m.page {
	case known:
		title, about = th.T("Sign in, once"), th.Tf("Your SSH key is added to your account and signs you in from then on: %s", safe.Line(m.door.Key()))
	case code:
		title, about = th.T("Your account is made"), th.Tf("A message is on its way to %s. Paste its code here, or press enter to do that later: cmh auth verify.", safe.Line(m.sent))
	}
	var p widget.Page
	if m.height >= 12 {
		p.Add("")
	}
	p.Add("  " + th.Title.Render(title))
	for _, l := range widget.Wrap(about, m.width-4) {
		p.Add("  " + th.Faint.Render(l))
	}
	if m.height >= 12 {
		p.Add("")
	}
	wide := 0
	for _, name := range asked[m.page] {
		wide = max(wide, utf8.RuneCountInString(th.T(name)))
	}
	for i, in := range m.inputs {
		in.Prompt, in.Focus = widget.Fit(th.T(asked[m.page][i]), wide+1), i == m.at && !m.busy
		mark := "    "
		if i == m.at {
			mark = th.Selected.Render("  › ")
		}
		p.Row(i == m.at, mark+in.View(th, m.width-8))
	}
	if m.busy {
		p.Add("", "    "+th.Accent.Render("◌ ")+th.T("One moment…"))
	}
	return p.View(m.width, m.height)
}
