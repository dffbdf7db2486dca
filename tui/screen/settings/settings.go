// Package settings is the screen of what can be set on the learner's machine:
// what it is, what made it so, and changing it. Where settings are kept, and
// which there are, is its Store's.
package settings

import (
	"context"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// Setting is one setting as it is, and what made it so.
type Setting struct {
	Name, Value string
	Origin      string   // the flag, the variable or the file that it is from; "default"
	About       string   // a sentence, in English
	Choices     []string // what it may be; none is any text
	Wins        bool     // Origin wins over what would be set here
}

// Store keeps settings. It may be slow.
type Store interface {
	List() ([]Setting, error)
	Set(name, value string) error // its error says what is wrong with value
	Unset(name string) error
}

type loadedMsg struct {
	all     []Setting
	err     error
	changed string // the name of the one that somebody changed
}

// Model is the screen.
type Model struct {
	ctx           context.Context // ends when the screen is left
	store         Store
	env           screen.Env
	width, height int
	loaded, busy  bool
	err           error
	all           []Setting
	cursor        widget.Cursor
	input         widget.Input // of the setting under the cursor, while it has the focus
}

// New returns a screen that loads when Init runs.
func New(ctx context.Context, store Store, env screen.Env) Model {
	return Model{ctx: ctx, store: store, env: env, width: 80, height: 20}
}

// Init starts loading.
func (m Model) Init() tea.Cmd { return m.load }

func (m Model) load() tea.Msg {
	all, err := m.store.List()
	return loadedMsg{all: all, err: err}
}

// change does something to the setting of that name, and loads anew.
func (m Model) change(name string, do func() error) (Model, tea.Cmd) {
	m.busy = true
	return m, func() tea.Msg {
		if err := do(); err != nil {
			return loadedMsg{all: m.all, err: err, changed: name}
		}
		all, err := m.store.List()
		return loadedMsg{all: all, err: err, changed: name}
	}
}

// Update is a pure function of m and msg.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case screen.Themed:
		m.env.Theme, m.env.Mono = msg.Theme, msg.Mono
	case loadedMsg:
		return m.got(msg)
	case tea.PasteMsg:
		if m.input.Focus {
			m.input.Update(msg)
		}
	case tea.KeyPressMsg:
		if m.input.Focus {
			return m.typing(msg)
		}
		return m.press(msg)
	}
	return m, nil
}

func (m Model) got(msg loadedMsg) (Model, tea.Cmd) {
	m.busy = false
	if msg.changed == "" || m.err != nil {
		m.loaded, m.err, m.all = true, msg.err, msg.all
		m.cursor.Clamp(len(m.all))
		return m, nil
	}
	if msg.err != nil {
		return m, screen.Go(screen.Failed{Err: msg.err})
	}
	m.all, m.input = msg.all, widget.Input{}
	m.cursor.Clamp(len(m.all))
	th, i := m.env.Theme, slices.IndexFunc(m.all, func(s Setting) bool { return s.Name == msg.changed })
	if i < 0 {
		return m, nil
	}
	s := m.all[i]
	switch {
	case s.Wins:
		return m, screen.Go(screen.Said{Text: th.Tf("%s stays %q: %s wins over the file.", s.Name, safe.Line(s.Value), safe.Line(s.Origin))})
	case s.Name == themeName:
		return m, tea.Batch(screen.Go(screen.Wished{On: theme.Named(s.Value)}), screen.Go(screen.Said{Text: th.Tf("%s is %q now.", s.Name, safe.Line(s.Value))}))
	}
	return m, screen.Go(screen.Said{Text: th.Tf("%s is %q, from the next start on.", s.Name, safe.Line(s.Value))})
}

// themeName is the setting that can be seen at once.
const themeName = "theme"

var (
	choose = theme.Bind("enter", "change", "enter", "space", "right", "l")
	unset  = theme.Bind("x", "as by default", "x")
)

func (m Model) press(k tea.KeyPressMsg) (Model, tea.Cmd) {
	keys := m.env.Theme.Keys
	switch {
	case key.Matches(k, keys.Reload):
		m.loaded, m.err = false, nil
		return m, m.load
	case m.err != nil || !m.loaded || m.busy || len(m.all) == 0:
	case key.Matches(k, choose):
		s := m.all[m.cursor.At]
		if len(s.Choices) == 0 {
			m.input = widget.Input{Prompt: s.Name, Value: safe.Line(s.Value), Focus: true}
			return m, nil
		}
		value := s.Choices[(slices.Index(s.Choices, s.Value)+1)%len(s.Choices)]
		return m.change(s.Name, func() error { return m.store.Set(s.Name, value) })
	case key.Matches(k, unset):
		name := m.all[m.cursor.At].Name
		return m.change(name, func() error { return m.store.Unset(name) })
	default:
		m.cursor.Move(keys, k, len(m.all), max(m.height/2, 1))
	}
	return m, nil
}

func (m Model) typing(k tea.KeyPressMsg) (Model, tea.Cmd) {
	name := m.all[m.cursor.At].Name
	switch k.String() {
	case "esc":
		m.input = widget.Input{}
	case "enter":
		value := m.input.Value
		if m.busy {
			return m, nil
		}
		if value == "" {
			return m.change(name, func() error { return m.store.Unset(name) })
		}
		return m.change(name, func() error { return m.store.Set(name, value) })
	default:
		m.input.Update(k)
	}
	return m, nil
}

// Title names the screen.
func (m Model) Title() string { return m.env.Theme.T("Settings") }

// Typing reports whether keys go into a value.
func (m Model) Typing() bool { return m.input.Focus }

// Keys are the keys that do something here.
func (m Model) Keys() []key.Binding {
	if m.input.Focus {
		return []key.Binding{theme.Bind("enter", "save"), theme.Bind("esc", "cancel")}
	}
	k := m.env.Theme.Keys
	if m.err != nil || len(m.all) == 0 {
		return []key.Binding{k.Reload}
	}
	return []key.Binding{k.Move, choose, unset, k.Reload}
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
	if m.height >= 12 {
		p.Add("")
	}
	p.Add("  " + th.Section.Render(th.T("Settings of cmh on this machine")))
	for i, s := range m.all {
		if m.height >= 12 {
			p.Add("")
		}
		p.Row(i == m.cursor.At, m.row(s, i == m.cursor.At)...)
	}
	return p.View(m.width, m.height)
}

// names is how wide the names are, with a gap.
func (m Model) names() int {
	wide := 0
	for _, s := range m.all {
		wide = max(wide, len(s.Name))
	}
	return wide + 2
}

// row is a setting: what it is, where it is from, and under the cursor what it
// is for.
func (m Model) row(s Setting, on bool) []string {
	th := m.env.Theme
	value := safe.Line(s.Value)
	if value == "" {
		value = "–"
	}
	from := safe.Line(s.Origin)
	if s.Origin == "default" {
		from = th.T("by default")
	}
	head := widget.Row(th, on, widget.Fit(s.Name, m.names())+value, from, m.width)
	if !on {
		return []string{head}
	}
	if m.input.Focus {
		head = th.Selected.Render("  › ") + m.input.View(th, m.width-8)
	}
	out := []string{head}
	if !m.input.Focus && !strings.Contains(ansi.Strip(head), value) { // it was cut off
		for _, l := range widget.Wrap(value, m.width-8) {
			out = append(out, "      "+l)
		}
	}
	about := th.T(s.About)
	if len(s.Choices) > 0 {
		about += " " + th.Tf("One of: %s.", strings.Join(s.Choices, ", "))
	}
	for _, l := range widget.Wrap(about, m.width-8) {
		out = append(out, "      "+th.Faint.Render(l))
	}
	return out
}
