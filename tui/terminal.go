package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// terminal is what is known of the one that we draw on. Its colours and its
// environment are told before the first frame, in either order. What it draws on
// has to be asked, and nothing waits for that.
type terminal struct {
	theme.Look
	colours colorprofile.Profile // zero: not told yet
	env     tea.EnvMsg           // likewise
	asked   time.Time            // likewise
	cut     time.Time            // when the first half of an answer came; zero: whole ones do
	leaving bool                 // as soon as it has answered
}

// How long somebody who leaves waits for an answer, and how long the second half of
// one may take: afterwards a key is a key.
const (
	forAnswer = 200 * time.Millisecond
	forRest   = 2 * time.Second
)

// hears takes what the terminal says of itself, or whoever knows it, and has
// everything drawn by that from now on.
func (m model) hears(msg tea.Msg) (model, tea.Cmd) {
	t := &m.terminal
	switch msg := msg.(type) {
	case tea.ColorProfileMsg:
		t.colours = msg.Profile
	case tea.EnvMsg:
		t.Look, t.env = theme.Told(m.o.On, msg.Getenv), msg
	case tea.BackgroundColorMsg:
		if m.o.On == theme.Unknown {
			t.Look = t.Answered(msg.Color)
		}
		if t.leaving {
			return m, tea.Quit
		}
	}
	if t.colours != colorprofile.Unknown { // the program has looked closer than the environment tells
		t.Colours = t.colours
	}
	m.env.Theme, m.env.Mono = themed(t.Look, m.o.Words), t.Colours <= colorprofile.ASCII
	for i := range m.stack {
		m, _ = m.send(i, screen.Themed{Theme: m.env.Theme, Mono: m.env.Mono})
	}
	if t.colours == colorprofile.Unknown || t.env == nil || !t.Ask || !t.asked.IsZero() || m.env.Mono {
		return m, nil
	}
	t.asked = m.o.Now()
	return m, tea.Raw(ansi.RequestBackgroundColor)
}

// wishes draws for what somebody has said that their terminal is; it is asked again
// when they no longer say anything.
func (m model) wishes(on theme.Background) (model, tea.Cmd) {
	m.o.On, m.terminal.asked = on, time.Time{}
	return m.hears(m.terminal.env)
}

// quit leaves. An answer that is still on its way would be typed into the
// learner's shell: it is waited for, but not long.
func (m model) quit() (model, tea.Cmd) {
	left := forAnswer - m.o.Now().Sub(m.terminal.asked)
	if !m.terminal.Ask || m.terminal.asked.IsZero() || left <= 0 {
		return m, tea.Quit
	}
	m.terminal.leaving = true
	return m, screen.After(m.ctx, left, tea.QuitMsg{})
}

// misread takes what was no key and no answer: perhaps the first half of one, on
// a slow line.
func (m model) misread(e uv.UnknownEvent) model {
	if s := string(e); strings.HasPrefix(s, "\x1b]11;") && !strings.HasSuffix(s, "\a") && !strings.HasSuffix(s, "\x1b\\") {
		m.terminal.cut = m.o.Now()
	}
	return m
}

// belongs reports whether what looks like a key is of the second half of an
// answer.
func (m *model) belongs(k tea.KeyPressMsg) bool {
	if m.terminal.cut.IsZero() {
		return false
	}
	s := k.String()
	if m.o.Now().Sub(m.terminal.cut) < forRest && len(s) == 1 && strings.Contains("rgba:/0123456789bcdefABCDEF", s) {
		return true
	}
	m.terminal.cut = time.Time{}
	return s == "alt+\\" || s == "ctrl+g" // its end
}

func themed(l theme.Look, s words.Speaker) theme.Theme {
	th := theme.New(l)
	th.Speaker = s
	return th
}
