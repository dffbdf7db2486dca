// Package screentest plays a screen without a program around it: it gives it a
// size, runs what it asks for, types keys, and collects what it asks of its
// parent. Time is synctest's, so nothing waits.
package screentest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// Model is what every screen's model can do.
type Model[M any] interface {
	Init() tea.Cmd
	Update(tea.Msg) (M, tea.Cmd)
	View() string
}

// Now is when every test happens.
var Now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Ana is somebody signed in.
var Ana = hub.User{ID: "u1", Username: "ana", Role: hub.Free}

// Hub is a hub with courses, labs and a learner, Ana.
func Hub() *demo.Hub { return demo.New(Ana, Now) }

// Offline is one that can't be reached.
func Offline() *demo.Hub {
	h := Hub()
	h.Err = hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub.")
	return h
}

// Env is what surrounds a screen in a test.
func Env(u hub.User) screen.Env {
	return screen.Env{Theme: theme.Default(), User: u, Now: func() time.Time { return Now }, Detach: "ctrl+]", SignIn: "Sign in with: cmh auth login", Pages: draw.Outline}
}

// Away is what surrounds a screen on a train.
func Away(t *demo.Traveller) screen.Env {
	e := Env(t.User)
	e.Standing = t.Stands
	return e
}

// rounds bounds how often an answer may lead to another command, because a
// screen with a clock never stops asking.
const rounds = 4

// Play opens a screen of width by height, loads it and types keys. It returns
// the screen and what it asked of its parent, in order.
func Play[M Model[M]](t *testing.T, open func(context.Context) M, width, height int, keys ...string) (m M, asked []tea.Msg) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, _ = open(t.Context()).Update(tea.WindowSizeMsg{Width: width, Height: height})
		m, asked = run(m, m.Init(), nil, 0)
		for _, k := range keys {
			var cmd tea.Cmd
			m, cmd = m.Update(Key(k))
			m, asked = run(m, cmd, asked, 0)
		}
	})
	return m, asked
}

func run[M Model[M]](m M, cmd tea.Cmd, asked []tea.Msg, depth int) (M, []tea.Msg) {
	if cmd == nil || depth >= rounds {
		return m, asked
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			m, asked = run(m, c, asked, depth)
		}
	case screen.Back, screen.OpenCatalog, screen.OpenCourse, screen.OpenLesson, screen.OpenQuiz, screen.OpenLab, screen.OpenAccount, screen.OpenJoin, screen.Joined, screen.Failed, screen.Said, screen.Wished:
		asked = append(asked, msg)
	default:
		m, cmd = m.Update(msg)
		m, asked = run(m, cmd, asked, depth+1)
	}
	return m, asked
}

// Shows holds a screen to what the test's golden file has, without colours, and to
// its size: width columns at most, and height lines.
func Shows(t *testing.T, view string, width, height int) {
	t.Helper()
	view = ansi.Strip(view)
	golden.RequireEqual(t, view)
	lines := strings.Split(view, "\n")
	if len(lines) != height {
		t.Errorf("%d lines, want %d", len(lines), height)
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > width {
			t.Errorf("line %d is %d columns wide, want at most %d: %q", i+1, w, width, l)
		}
	}
}

// Key is the press of a key by its name.
func Key(name string) tea.KeyPressMsg {
	named := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "space": tea.KeySpace, "tab": tea.KeyTab, "backspace": tea.KeyBackspace,
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "pgdown": tea.KeyPgDown,
	}
	if c, ok := named[name]; ok {
		k := tea.KeyPressMsg{Code: c}
		if name == "space" {
			k.Text = " "
		}
		return k
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}
