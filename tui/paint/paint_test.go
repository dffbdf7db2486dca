package paint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/paint"
)

// text is a model that shows the last text it was told, and does as it is told.
type text string

func (m text) Init() tea.Cmd { return nil }

func (m text) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case text:
		return msg, nil
	case tea.Cmd:
		return m, msg
	case func():
		msg()
	case tea.PasteMsg:
		return text(msg.Content), nil
	case tea.KeyPressMsg:
		return text(msg.String()), nil
	}
	return m, nil
}

func (m text) View() tea.View {
	if strings.HasPrefix(string(m), "large") {
		time.Sleep(100 * time.Millisecond) // until this is made; here no other clock runs
	}
	if m == "panic" {
		panic("view")
	}
	return tea.NewView(string(m))
}

// A tty is a terminal, and everything that it was sent.
type tty struct {
	mu    sync.Mutex
	sent  strings.Builder
	times int
	stuck chan struct{} // takes nothing until this is closed
}

func (t *tty) Write(p []byte) (int, error) {
	if t.stuck != nil {
		<-t.stuck
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times++
	return t.sent.Write(p)
}

func (t *tty) all() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent.String()
}

func (t *tty) frames() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.times
}

// shows is what a terminal shows that was sent this.
func shows(t *testing.T, w, h int, sent string) string {
	t.Helper()
	screen := vt.NewEmulator(w, h)
	go func() { _, _ = io.Copy(io.Discard, screen) }()
	_, _ = screen.WriteString(sent)
	drawn := screen.Render()
	_ = screen.InputPipe().(io.Closer).Close()
	return drawn
}

// A show is a running program.
type show struct {
	*paint.Program
	t *testing.T
	tty
	keys    *io.PipeWriter
	size    [2]int
	resized chan struct{}
	ended   chan error
	cancel  context.CancelFunc
	given   int // how often the terminal was given back
}

func start(t *testing.T, m tea.Model, change func(*show, *paint.Options)) *show {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, keys := io.Pipe()
	s := &show{t: t, keys: keys, size: [2]int{40, 10}, resized: make(chan struct{}, 1), ended: make(chan error, 1), cancel: cancel}
	o := paint.Options{Env: []string{"TERM=xterm-256color"}, Pace: time.Second / 30}
	if change != nil {
		change(s, &o)
	}
	s.Program = paint.New(ctx, m, func() (labssh.Terminal, func(), error) {
		return labssh.Terminal{In: in, Out: s, Size: func() (int, int) { return s.size[0], s.size[1] }, Resized: s.resized}, func() { s.given++ }, nil
	}, o)
	go func() { s.ended <- s.Run() }()
	synctest.Wait()
	return s
}

// end quits, for tests that are about something else.
func (s *show) end() {
	s.Send(tea.Quit())
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
	_ = s.keys.Close()
	s.cancel()
	time.Sleep(time.Second)
}

// tell sends a text and returns what was drawn for it by and by.
func (s *show) tell(msg tea.Msg) string {
	before := len(s.all())
	s.Send(msg)
	time.Sleep(time.Second)
	synctest.Wait()
	return s.all()[before:]
}

// While nothing changes nothing runs and nothing is sent. The hour takes no time here,
// because nobody has anything to do in it.
func TestNothingHappensAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("hello"), nil)
		defer s.end()
		if got := shows(t, 40, 10, s.all()); !strings.HasPrefix(got, "hello") {
			t.Errorf("at once there is %q", got)
		}
		time.Sleep(time.Second)
		s.Send("what changes nothing")
		synctest.Wait()
		before := len(s.all())
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := s.all()[before:]; got != "" {
			t.Errorf("sent in an hour: %q", got)
		}
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if strings.Contains(string(stacks), "startRenderer") {
			t.Errorf("a ticker runs:\n%s", stacks)
		}
	})
}

// A screen that has rested for as long as one likes is drawn further by what has
// changed, and so is one that has not.
func TestOnlyDifferencesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := strings.Repeat("the same line of text\n", 8)
		s := start(t, text(page), nil)
		defer s.end()
		for _, rest := range []time.Duration{0, time.Hour} {
			time.Sleep(rest)
			for _, mark := range []string{"a", "b"} {
				got := s.tell(text(page + mark))
				if len(got) > 12 || !strings.Contains(got, mark) {
					t.Errorf("after %v: %q", rest, got)
				}
			}
		}
		if got := s.tell(text(page[strings.Index(page, "\n")+1:] + "b\nend")); strings.Contains(got, "the same") || !strings.Contains(got, "end") {
			t.Errorf("scrolled: %q", got)
		}
	})
}

// Whatever follows whatever, the terminal shows it.
func TestEveryFrameIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text(""), nil)
		defer s.end()
		dice := rand.New(rand.NewPCG(1, 2))
		pieces := []string{"a", " ", "bc", "日本", "é", "e\u0301", "▏", "\x1b[1m", "\x1b[m", "\x1b[31;44m", "\x1b[38;5;99m", "\x1b[7m", "    ", strings.Repeat("─", 40), "x", "0123456789"}
		var lines []string
		for range 10 {
			lines = append(lines, "")
		}
		for n := range 300 {
			switch dice.IntN(8) {
			case 0:
				lines = append(lines[1:], lines[0])
			case 1:
				lines = append([]string{lines[9]}, lines[:9]...)
			case 2:
				s.size[0] = 20 + dice.IntN(40)
				s.resized <- struct{}{}
			default:
				var b strings.Builder
				for range dice.IntN(12) {
					b.WriteString(pieces[dice.IntN(len(pieces))])
				}
				lines[dice.IntN(len(lines))] = b.String() + "\x1b[m"
			}
			page := strings.Join(lines, "\n")
			s.tell(text(page))
			// What was drawn before a change of size was for another terminal.
			sent := s.all()
			if i := strings.LastIndex(sent, "\x1b[2J"); i >= 0 {
				sent = "\x1b[?1049h\x1b[H" + sent[i:]
			}
			got := shows(t, s.size[0], s.size[1], sent)
			fresh := start(t, text(page), func(f *show, _ *paint.Options) { f.size = s.size })
			want := shows(t, s.size[0], s.size[1], fresh.all())
			fresh.end()
			if got != want {
				t.Fatalf("frame %d shows\n%q\nand not\n%q", n, got, want)
			}
		}
	})
}

// However many messages come, frames don't come faster than the pace, and the last
// one is what there is at last.
func TestAFloodIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text(""), nil)
		defer s.end()
		time.Sleep(time.Minute)
		before := s.frames()
		for n := range 3000 {
			s.Send(text(fmt.Sprint("message ", n)))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		if frames := s.frames() - before; frames < 80 || frames > 3*30+5 {
			t.Errorf("%d frames in three seconds", frames)
		}
		if got := shows(t, 40, 10, s.all()); !strings.HasPrefix(got, "message 2999") {
			t.Errorf("at last there is %q", got)
		}
	})
}

// A terminal that takes nothing stops nobody: messages are heard, one frame waits,
// and the program ends when it has to.
func TestAStuckTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		s := start(t, text("first"), func(s *show, _ *paint.Options) { s.stuck = stuck })
		began := time.Now()
		for n := range 5000 {
			s.Send(text(fmt.Sprint("message ", n)))
			s.Send(tea.RawMsg{Msg: strings.Repeat("x", 1000)})
		}
		if time.Since(began) != 0 {
			t.Errorf("a message waits for the terminal: %v", time.Since(began))
		}
		s.cancel()
		if err := <-s.ended; !errors.Is(err, tea.ErrProgramKilled) || time.Since(began) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(stuck)
		_ = s.keys.Close()
		synctest.Wait()
		if got := len(s.all()); got > 100<<10 {
			t.Errorf("%d bytes have waited", got)
		}
	})
}

// modes are those that are set at the end of what a terminal was sent, with how it
// reports keys.
func modes(sent string) map[string]bool {
	on := map[string]bool{"25": true}
	for _, part := range strings.Split(sent, "\x1b[")[1:] {
		end := strings.IndexFunc(part, func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			continue
		}
		switch number, final := part[:end], part[end]; {
		case strings.HasPrefix(number, "?") && (final == 'h' || final == 'l'):
			on[number[1:]] = final == 'h'
		case strings.HasPrefix(number, ">4") && final == 'm':
			on["modifyOtherKeys"] = number != ">4"
		case strings.HasPrefix(number, "=") && final == 'u':
			on["kitty"] = number != "=0;1"
		}
	}
	for name, is := range on {
		if !is {
			delete(on, name)
		}
	}
	return on
}

// However a program ends, or stops for a while, every mode that it has set is as it
// was before.
func TestTheTerminalIsGivenBack(t *testing.T) {
	clean, ours := fmt.Sprint(map[string]bool{"25": true, "7": true}), fmt.Sprint(map[string]bool{"1049": true, "2004": true, "2027": true, "7": true, "kitty": true, "modifyOtherKeys": true})
	for name, end := range map[string]func(*show){
		"quit":                  func(s *show) { s.Send(tea.Quit()) },
		"Ctrl-C":                func(s *show) { s.Send(tea.Interrupt()) },
		"signal":                func(s *show) { s.cancel() },
		"panic in Update":       func(s *show) { s.Send(func() { panic("update") }) },
		"panic in View":         func(s *show) { s.Send(text("panic")) },
		"panic in a command":    func(s *show) { s.Send(tea.Cmd(func() tea.Msg { panic("command") })) },
		"panic in one of a few": func(s *show) { s.Send(tea.Batch(tea.Suspend, func() tea.Msg { panic("command") })) },
		"panic in a sequence":   func(s *show) { s.Send(tea.Sequence(tea.Suspend, func() tea.Msg { panic("command") })) },
		"panic after a loan": func(s *show) {
			s.Send(paint.Lend(func() error { return nil }, func(error) tea.Msg { panic("then") })())
		},
		"panic beside": func(s *show) { s.Send(paint.Lend(func() error { panic("lent") }, nil)()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, text("hello"), nil)
				s.Send(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
				s.Send(tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset})
				s.tell(text(strings.Repeat(strings.Repeat("x", 40)+"\n", 9) + strings.Repeat("x", 40)))
				if got := fmt.Sprint(modes(s.all())); got != ours {
					t.Errorf("on our screen: %v", got)
				}
				end(s)
				err := <-s.ended
				if strings.HasPrefix(name, "panic") != errors.Is(err, tea.ErrProgramPanic) {
					t.Error(err)
				}
				if got := fmt.Sprint(modes(s.all())); got != clean {
					t.Errorf("afterwards: %v", got)
				}
				if lent := strings.Count(name, "after a loan"); s.given != 1+lent {
					t.Errorf("given back %d times", s.given)
				}
				_ = s.keys.Close()
				s.cancel()
				time.Sleep(time.Second)
			})
		})
	}
}

// Who is lent the terminal has it as it was before, and the screen is drawn anew
// afterwards, in the size of then.
func TestTheTerminalIsLent(t *testing.T) {
	for name, lends := range map[string]func(s *show, o *paint.Options, check func()) tea.Cmd{
		"to a shell": func(_ *show, _ *paint.Options, check func()) tea.Cmd {
			return paint.Lend(func() error { check(); return io.EOF }, func(err error) tea.Msg { return text(fmt.Sprint("back: ", err)) })
		},
		"to whoever has stopped it": func(_ *show, o *paint.Options, check func()) tea.Cmd {
			o.Suspend = func() error { check(); return nil }
			return tea.Sequence(tea.Suspend, func() tea.Msg { return text("back: EOF") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lend tea.Cmd
				s := start(t, text("hello"), func(s *show, o *paint.Options) {
					lend = lends(s, o, func() {
						if on := modes(s.all()); on["1049"] || on["2004"] || on["kitty"] || !on["25"] || s.given != 1 {
							t.Errorf("lent with %v", on)
						}
						s.size = [2]int{50, 12}
						time.Sleep(time.Hour)
					})
				})
				defer s.end()
				before := len(s.all())
				s.Send(lend)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				got := s.all()[before:]
				if on := modes(got); !on["1049"] || !on["2004"] || !on["kitty"] || on["25"] {
					t.Errorf("back with %v", on)
				}
				if got := shows(t, 50, 12, got); !strings.HasPrefix(got, "back: EOF") {
					t.Errorf("shows %q", got)
				}
			})
		})
	}
}

// A terminal that can is sent frames as a whole.
func TestWholeFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("hello"), nil)
		defer s.end()
		if !strings.Contains(s.all(), "\x1b[?2026$p") {
			t.Errorf("nobody has asked: %q", s.all())
		}
		_, _ = s.keys.Write([]byte("\x1b[?2026;2$y"))
		synctest.Wait()
		if got := s.tell(text("world")); !strings.HasPrefix(got, "\x1b[?2026h") || !strings.HasSuffix(got, "\x1b[?2026l") {
			t.Errorf("%q", got)
		}
		if got := s.tell(tea.RawMsg{Msg: "\x1b]11;?\a"}); got != "\x1b]11;?\a" {
			t.Errorf("%q", got)
		}
	})
}

// Nobody is shown a page who can't type any more: the program ends, after the last
// key, and says why unless that was to be expected.
func TestNobodyTypes(t *testing.T) {
	for _, end := range []struct{ why, says error }{{io.EOF, nil}, {io.ErrClosedPipe, io.ErrClosedPipe}} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, text("hello"), nil)
			_, _ = s.keys.Write([]byte("xyz"))
			_ = s.keys.CloseWithError(end.why)
			if err := <-s.ended; !errors.Is(err, end.says) {
				t.Errorf("%v ends it with %v", end.why, err)
			}
			if on := modes(s.all()); on["1049"] || s.given != 1 {
				t.Errorf("it ends with %v, given back %d times", on, s.given)
			}
			s.cancel()
			time.Sleep(time.Second)
		})
	}
}

// Who sees that something else has been written to their terminal asks for all of it.
func TestCtrlL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("ctrl+l"), nil)
		defer s.end()
		if got := s.tell(tea.KeyPressMsg{Code: 'l', Mod: tea.ModCtrl}); !strings.Contains(got, "ctrl+l") {
			t.Errorf("%q", got)
		}
	})
}

// Who has much drawn has it less often, and a part of a processor for it.
func TestWhatTakesLongIsDrawnSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text(""), nil)
		defer s.end()
		time.Sleep(time.Minute)
		before := s.frames()
		for n := range 1000 {
			s.Send(text(fmt.Sprint("large ", n)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if frames := s.frames() - before; frames < 20 || frames > 35 {
			t.Errorf("%d frames that take a tenth of a second each, in ten", frames)
		}
		if got := shows(t, 40, 10, s.all()); !strings.HasPrefix(got, "large 999") {
			t.Errorf("at last there is %q", got)
		}
	})
}

// A frame is for a terminal that counts columns as the frame does.
func TestModesComeBeforeFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("hello"), nil)
		defer s.end()
		_, _ = s.keys.Write([]byte("\x1b[?2026;2$y"))
		synctest.Wait()
		before := len(s.all())
		_, _ = s.keys.Write([]byte("\x1b[?2027;2$y"))
		if got := s.tell(nil); !strings.HasPrefix(s.all()[before:], "\x1b[?2027h\x1b[?2026h") {
			t.Errorf("%q", got)
		}
	})
}

// stick has the terminal take nothing until what is returned is closed, from the
// next frame on, which is under way.
func (s *show) stick() chan struct{} {
	stuck := make(chan struct{})
	s.stuck = stuck
	s.Send(text("a frame that takes long"))
	synctest.Wait()
	return stuck
}

// What was copied is there although nothing is drawn any more, and nothing is asked.
func TestWhatIsCopiedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("hello"), nil)
		time.Sleep(time.Second)
		stuck := s.stick()
		s.Send(tea.RawMsg{Msg: ansi.SetSystemClipboard("code")})
		s.Send(tea.RawMsg{Msg: ansi.RequestBackgroundColor})
		s.Send(tea.Quit())
		synctest.Wait()
		close(stuck)
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		got := s.all()
		if i := strings.Index(got, ansi.SetSystemClipboard("code")); i < 0 || i > strings.Index(got, "\x1b[?1049l") || strings.Contains(got, ansi.RequestBackgroundColor) {
			t.Errorf("%q", got)
		}
		_ = s.keys.Close()
		s.cancel()
		time.Sleep(time.Second)
	})
}

// A program ends only once the terminal is given back, whoever does that.
func TestNobodyEndsBeforeTheTerminalIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, text("hello"), nil)
		time.Sleep(time.Second)
		stuck := s.stick()
		s.Send(tea.Cmd(func() tea.Msg { panic("command") }))
		synctest.Wait() // it is being given back
		s.Send(tea.Quit())
		synctest.Wait()
		select {
		case err := <-s.ended:
			t.Errorf("it has ended before: %v", err)
		default:
		}
		close(stuck)
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		if on := modes(s.all()); on["1049"] || s.given != 1 {
			t.Errorf("it ends with %v, given back %d times", on, s.given)
		}
		_ = s.keys.Close()
		s.cancel()
		time.Sleep(time.Second)
	})
}
