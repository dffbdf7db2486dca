package tui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"go.uber.org/goleak"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/paint"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/tui/theme"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func options() tui.Options {
	return tui.Options{Now: func() time.Time { return screentest.Now }, Pages: draw.Outline}
}

// A flow is a running program and the terminal that it draws on. A program
// draws only what has changed, so its output alone does not hold what a learner
// sees.
type flow struct {
	*paint.Program
	screen *vt.SafeEmulator // as it was when somebody looked last
	sent   *sent
	ended  <-chan error
}

// sent is what a program has sent and nobody has looked at.
type sent struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *sent) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// taken is all of it, by whole frames.
func (s *sent) taken() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.buf.Reset()
	return bytes.Clone(s.buf.Bytes())
}

func play(t *testing.T, b tui.Backend, o tui.Options, w, h int) flow {
	t.Helper()
	screen, out, ended := vt.NewSafeEmulator(w, h), &sent{}, make(chan error, 1)
	terminal := labssh.Terminal{In: screen, Out: out, Size: func() (int, int) { return w, h }} // In has its answers to questions
	p := paint.New(t.Context(), tui.New(t.Context(), b, o), func() (labssh.Terminal, func(), error) { return terminal, nil, nil },
		paint.Options{Env: []string{"TERM=xterm-256color"}, Colours: colorprofile.NoTTY, Pace: time.Second / 60})
	go func() { ended <- p.Run() }()
	t.Cleanup(func() {
		if pipe, ok := screen.InputPipe().(io.Closer); ok {
			_ = pipe.Close()
		}
	})
	return flow{p, screen, out, ended}
}

func sees(t *testing.T, f flow, text string) {
	t.Helper()
	until(t, f, func(screen string) bool { return strings.Contains(screen, text) }, text)
}

func until(t *testing.T, f flow, ok func(screen string) bool, what string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute)
	for {
		_, _ = f.screen.Write(f.sent.taken())
		if ok(f.screen.String()) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s; the screen shows:\n%s", what, f.screen.String())
		}
	}
}

// keys presses keys, once nothing is going on any more: a lab takes none
// meanwhile.
func keys(t *testing.T, tm flow, names ...string) {
	t.Helper()
	for _, n := range names {
		until(t, tm, func(screen string) bool { return !strings.Contains(screen, "◌") }, "the end of what is going on")
		tm.Send(screentest.Key(n))
	}
}

func quit(t *testing.T, tm flow) {
	t.Helper()
	keys(t, tm, "q")
	select {
	case err := <-tm.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * time.Minute):
		t.Fatal("the program does not end")
	}
}

func newHub(u hub.User) *demo.Hub { return demo.New(u, screentest.Now) }

func TestFromTheCatalogueToAReadLesson(t *testing.T) {
	tm := play(t, newHub(screentest.Ana), options(), 80, 24)
	sees(t, tm, "Welcome, ana")
	keys(t, tm, "2")
	sees(t, tm, "Linux for cloud engineers")
	keys(t, tm, "enter")
	sees(t, tm, "You will learn to")
	keys(t, tm, "e")
	sees(t, tm, "You are enrolled")
	keys(t, tm, "enter")
	sees(t, tm, "Everybody is a number")
	keys(t, tm, "d")
	sees(t, tm, "Marked as done")
	keys(t, tm, "n")
	sees(t, tm, "Who may do what")
	keys(t, tm, "t")
	sees(t, tm, "Question 1 of 3")
	keys(t, tm, "enter", "n", "x")
	sees(t, tm, "Your answer:")
	keys(t, tm, "q") // text, here
	sees(t, tm, "q▏")
	keys(t, tm, "esc", "esc")
	sees(t, tm, "Leave?")
	keys(t, tm, "y")
	sees(t, tm, "Who may do what")
	keys(t, tm, "esc", "esc")
	sees(t, tm, "Catalogue")
	quit(t, tm)
}

func TestALabFromStartToHandIn(t *testing.T) {
	entered := make(chan string, 1)
	o := options()
	o.Open = screen.OpenLab{Lab: "fix-permissions"}
	o.Shell = func(_ context.Context, s hub.LabSession, _ theme.Look) func() error {
		return func() error { entered <- s.ID; return nil }
	}
	tm := play(t, newHub(screentest.Ana), o, 100, 30)
	sees(t, tm, "Press enter to start")
	keys(t, tm, "enter")
	sees(t, tm, "The lab is ready")
	keys(t, tm, "enter")
	if got := <-entered; got != "s-demo234567" {
		t.Errorf("entered %s", got)
	}
	keys(t, tm, "c")
	sees(t, tm, "observed: -rw-r--r--")
	keys(t, tm, "h")
	sees(t, tm, "Hint 1 of 2")
	keys(t, tm, "c")
	sees(t, tm, "Passed.")
	keys(t, tm, "n")
	sees(t, tm, "Step 2 of 3")
	keys(t, tm, "S")
	sees(t, tm, "Step 2 is not done yet")
	keys(t, tm, "c")
	sees(t, tm, "observed: -rw-r--r--")
	keys(t, tm, "c")
	sees(t, tm, "Passed.")
	keys(t, tm, "n")
	sees(t, tm, "Step 3 of 3")
	keys(t, tm, "c")
	sees(t, tm, "observed: -rw-r--r--")
	keys(t, tm, "c")
	sees(t, tm, "Passed.")
	keys(t, tm, "S")
	sees(t, tm, "Every step is done.")
	keys(t, tm, "y")
	sees(t, tm, "This lab was handed in.")
	quit(t, tm)
}

// Answers that are not handed in yet are not lost by a slip of a finger.
func TestAQuizIsNotLeftByASlip(t *testing.T) {
	quiz := []string{"2", "enter", "enter", "t"}
	for _, tt := range []struct{ name, keys, sees string }{
		{"nothing answered", "esc", "Lesson 2 of 3"},
		{"back", "2 esc", "1 question is answered"},
		{"quit", "2 q", "Leave?"},
		{"search", "2 /", "Leave?"},
		{"a number is a choice", "2 9", "Question 2 of 3"},
		{"no", "2 esc esc", "Question 2 of 3"},
		{"no, to a tab", "2 n tab 4 x", "Ready to hand in"},
		{"yes, to a tab", "2 n tab 4 y", "▾ Linux for cloud engineers"},
		{"yes", "2 esc y", "Lesson 2 of 3"},
		{"all are handed in", "2 n tab enter esc", "Lesson 2 of 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			view := ansi.Strip(still(t, newHub(screentest.Ana).Busy(), options(), 80, 40, append(quiz[:4:4], strings.Fields(tt.keys)...)...))
			if !strings.Contains(view, tt.sees) {
				t.Errorf("no %q:\n%s", tt.sees, view)
			}
		})
	}
}

func TestAGuestIsToldHowToSignIn(t *testing.T) {
	tm := play(t, newHub(hub.User{}), options(), 80, 24)
	sees(t, tm, "browsing as a guest")
	keys(t, tm, "enter")
	sees(t, tm, "Linux for cloud engineers")
	keys(t, tm, "enter")
	sees(t, tm, "You will learn to")
	keys(t, tm, "e")
	sees(t, tm, "✗ You are browsing as a guest. Sign in with: cmh auth login")
	quit(t, tm)
}

func TestCtrlCInterrupts(t *testing.T) {
	var out bytes.Buffer
	in, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = w.Write([]byte("\x03")) }()
	err := tui.Run(t.Context(), newHub(screentest.Ana), tui.Options{In: in, Out: &out, Env: []string{"TERM=xterm"}})
	if !errors.Is(err, tui.ErrInterrupted) {
		t.Errorf("Run = %v, want ErrInterrupted", err)
	}
}

// still is a model after it has loaded, without a program around it.
func still(t *testing.T, b tui.Backend, o tui.Options, w, h int, keys ...string) string {
	t.Helper()
	return drawn(t, b, o, tells{}, w, h, keys...)
}

// tells is what a terminal says of itself, before anything is drawn and last.
type tells struct{ first, last tea.Msg }

// drawn is still, for a terminal that tells something. Time is synctest's, so
// nothing waits.
func drawn(t *testing.T, b tui.Backend, o tui.Options, terminal tells, w, h int, keys ...string) (view string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := tui.New(t.Context(), b, o)
		var run func(cmd tea.Cmd, depth int)
		run = func(cmd tea.Cmd, depth int) {
			if cmd == nil || depth > 6 {
				return
			}
			msg := cmd()
			if batch, ok := msg.(tea.BatchMsg); ok {
				for _, c := range batch {
					run(c, depth)
				}
				return
			}
			if msg == nil {
				return
			}
			m, cmd = m.Update(msg)
			run(cmd, depth+1)
		}
		if terminal.first != nil {
			m, _ = m.Update(terminal.first)
		}
		m, cmd := m.Update(tea.WindowSizeMsg{Width: w, Height: h})
		run(cmd, 0)
		run(m.Init(), 0)
		for _, k := range keys {
			m, cmd = m.Update(screentest.Key(k))
			run(cmd, 0)
		}
		if terminal.last != nil {
			m, _ = m.Update(terminal.last)
		}
		view = m.View().Content
	})
	return view
}

func TestTooSmall(t *testing.T) {
	for _, size := range [][2]int{{30, 10}, {39, 24}, {80, 9}, {1, 1}, {5, 3}} {
		view := still(t, newHub(screentest.Ana), options(), size[0], size[1])
		if lines := strings.Split(view, "\n"); len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		if size[0] > 20 && !strings.Contains(view, "Too small") {
			t.Errorf("%v: %q", size, view)
		}
	}
}

func TestEveryScreenFillsTheTerminalAndNoMore(t *testing.T) {
	for _, size := range [][2]int{{40, 10}, {40, 12}, {60, 15}, {80, 24}, {120, 40}, {250, 70}} {
		for _, path := range []string{"", "2", "2 j j", "2 enter", "2 enter enter", "2 enter j enter", "2 enter j enter t", "3", "3 enter", "4", "?", "3 enter ?", "2 / a"} {
			view := still(t, newHub(screentest.Ana).Enrolled(), options(), size[0], size[1], strings.Fields(path)...)
			lines := strings.Split(view, "\n")
			if len(lines) != size[1] {
				t.Errorf("%v %q: %d lines", size, path, len(lines))
			}
			for _, l := range lines {
				if w := ansi.StringWidth(l); w > size[0] {
					t.Errorf("%v %q: %d columns: %q", size, path, w, ansi.Strip(l))
				}
			}
		}
	}
}

// hostile is a hub whose every text attacks the terminal.
type hostile struct {
	*demo.Hub
	attack string
}

var attacks = []string{
	"a\x1b]52;c;cm0K\x07\x1b[2J\x1b]0;x\x07\u202e\x9b2J\x1b[6n\b\u200bz",
	"a\x1b]0;pwned\x07b", "a\x1b[2J\x1b[Hb", "a\x1b[6n\x1bP$qm\x1b\\b", "user\u202enimda", "\x1b]8;;file:///etc/passwd\x07b", "```\nls \x1b]52;c;AAAA\x07\n```",
	"[https://good.example](javascript:alert\\(1\\))", "`\x1b[8mred`", "<script>alert(1)</script>&#27;[2J", "![x](http://169.254.169.254/latest)", "rm -rf /\b\b\b\bls\rok",
	"hi\U000E0041\U000E0042", "a\u200bb\u2060c\u009b2Jd", "a\x1b[?1000h\x1b_Gf=100;AAAA\x1b\\\x1bc",
}

func (h hostile) Profile(context.Context) (hub.User, error) {
	return hub.User{ID: "u", Username: h.attack, Profile: hub.Profile{DisplayName: h.attack}}, nil
}

func (h hostile) Courses(context.Context, hub.CourseFilter) (hub.Page[hub.Course], error) {
	c, _ := h.Course(context.Background(), "")
	return hub.Page[hub.Course]{Items: []hub.Course{c}}, nil
}

func (h hostile) Course(context.Context, string) (hub.Course, error) {
	return hub.Course{ID: "c", Slug: "c", Title: h.attack, Description: h.attack, Level: h.attack, Provider: h.attack, Category: h.attack, LearningObjectives: []string{h.attack}, Lessons: []hub.Lesson{{ID: "l", Title: h.attack}}}, nil
}

func (h hostile) Lesson(context.Context, string, string) (hub.Lesson, error) {
	return hub.Lesson{ID: "l", Title: h.attack, Body: "# " + h.attack + "\n&#27;[2J `" + h.attack + "`\n", VideoURL: h.attack, Resources: []hub.Resource{{Title: h.attack, URL: h.attack}}}, nil
}

func (h hostile) Enroll(context.Context, string) (hub.Enrollment, error) {
	return hub.Enrollment{}, hub.Errorf(hub.Conflict, "%s", h.attack)
}

func TestNothingHostileReachesTheTerminal(t *testing.T) {
	allowed := regexp.MustCompile(`\x1b\[[0-9;:]*m|\x1b\]8;[^;\x1b]*;(https?://[!-~]+)?\x1b\\`)
	for _, path := range []string{"", "2", "2 enter", "2 enter e", "2 enter enter", "4"} {
		for _, attack := range attacks {
			view := still(t, hostile{newHub(screentest.Ana), attack}, options(), 80, 24, strings.Fields(path)...)
			rest := allowed.ReplaceAllString(view, "")
			if strings.ContainsFunc(rest, func(r rune) bool {
				return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200b || r >= 0xe0000 && r <= 0xe0fff
			}) {
				t.Errorf("%q, %q: %q", path, attack, rest)
			}
		}
	}
}
