package split_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/vt"
	"github.com/cloudmastershub/cmh/words"
)

// backend is the demonstration hub with what only this screen asks for.
type backend struct{ *demo.Hub }

func (backend) LabEvents(ctx context.Context, _ string, _ int64, _ func(hub.LabEvent) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func (b backend) AnswerLab(_ context.Context, _ string, a hub.LabAnswer) (hub.AnswerResult, error) {
	return hub.AnswerResult{Right: a.Answer[0] == "42"}, nil
}

func (b backend) ExtendLab(ctx context.Context, ref string, _ int) (hub.LabSession, error) {
	return b.LabSession(ctx, ref)
}

func (backend) SaveLab(context.Context, string, string) (hub.Checkpoint, error) {
	return hub.Checkpoint{}, nil
}

func (b backend) ResetLab(ctx context.Context, ref string, _ hub.LabReturn) (hub.LabSession, error) {
	return b.LabSession(ctx, ref)
}

func (b backend) GotoLabStep(ctx context.Context, ref string, _ int) (hub.LabSession, error) {
	return b.LabSession(ctx, ref)
}

// A seat is a learner's terminal with the screen on it, and the lab behind it.
type seat struct {
	t       testing.TB
	keys    *io.PipeWriter // the learner's keyboard
	resized chan struct{}
	ended   chan struct{}
	status  int
	left    bool
	err     error

	size atomic.Pointer[[2]int] // columns and rows; asked for under locks of the desk's

	mu     sync.Mutex
	news   chan struct{} // closed at each change
	glass  *vt.Screen    // what the learner sees
	raw    bytes.Buffer
	typed  bytes.Buffer // what has reached the lab
	lab    labssh.Terminal
	hangUp chan int
	others map[string]*far // the lab's further terminals, by host and name
}

// A far is a terminal of the lab besides the first.
type far struct {
	lab    labssh.Terminal
	typed  bytes.Buffer
	hangUp chan struct{}
}

// another is a further terminal, that keeps what is typed.
func (s *seat) another(ctx context.Context, lab labssh.Terminal, host string) (int, bool, error) {
	f := &far{lab: lab, hangUp: make(chan struct{})}
	s.change(func() { s.others[host+"/"+lab.Session] = f })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := lab.In.Read(buf)
			s.change(func() { f.typed.Write(buf[:n]) })
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-f.hangUp:
		return 0, false, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

// there waits for a further terminal.
func (s *seat) there(name string) (f *far) {
	s.t.Helper()
	s.until("the terminal "+name, func() bool { f = s.others[name]; return f != nil })
	return f
}

func sit(t testing.TB, cols, rows int, o split.Options) *seat {
	t.Helper()
	return sitAt(t, cols, rows, o, demo.New(screentest.Ana, screentest.Now).Busy())
}

func sitAt(t testing.TB, cols, rows int, o split.Options, h *demo.Hub) *seat {
	t.Helper()
	return sitBefore(t, cols, rows, o, backend{h})
}

func sitBefore(t testing.TB, cols, rows int, o split.Options, api split.Backend) *seat {
	t.Helper()
	before := goleak.IgnoreCurrent()
	in, keys := io.Pipe()
	s := &seat{
		t: t, keys: keys, resized: make(chan struct{}, 1), ended: make(chan struct{}), news: make(chan struct{}),
		glass: vt.New(cols, rows), hangUp: make(chan int, 1), others: map[string]*far{},
	}
	s.size.Store(&[2]int{cols, rows})
	o.Session, o.Pages, o.Now = "fix-permissions", draw.Outline, func() time.Time { return screentest.Now }
	terminal := labssh.Terminal{In: in, Out: s, Resized: s.resized, Size: func() (int, int) {
		now := s.size.Load()
		return now[0], now[1]
	}}
	ready := make(chan struct{})
	go func() {
		defer close(s.ended)
		s.status, s.left, s.err = split.Run(t.Context(), terminal, api, o, func(ctx context.Context, lab labssh.Terminal, host string) (int, bool, error) {
			if host != "" || lab.Session != "" {
				return s.another(ctx, lab, host)
			}
			s.lab = lab
			close(ready)
			return s.shell(ctx)
		})
		in.Close()
	}()
	<-ready
	t.Cleanup(func() {
		select {
		case s.hangUp <- 0:
		default:
		}
		<-s.ended
		goleak.VerifyNone(t, before)
	})
	return s
}

// shell is a lab that keeps what is typed.
func (s *seat) shell(ctx context.Context) (int, bool, error) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, 4096)
		for {
			n, err := s.lab.In.Read(buf)
			s.change(func() { s.typed.Write(buf[:n]) })
			if bytes.Contains(buf[:n], []byte("\x1dd")) || err != nil {
				return
			}
		}
	}()
	select {
	case status := <-s.hangUp:
		return status, false, nil
	case <-gone:
		return 0, true, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

func (s *seat) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.news)
	s.news = make(chan struct{})
}

func (s *seat) Write(p []byte) (int, error) {
	s.change(func() { s.glass.Write(p); s.raw.Write(p) })
	return len(p), nil
}

// until waits for what is said of a seat.
func (s *seat) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.After(3 * time.Minute); ; {
		s.mu.Lock()
		news, is := s.news, ok()
		s.mu.Unlock()
		if is {
			return
		}
		select {
		case <-news:
		case <-end:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("never: %s\n%s\ntyped %q", what, s.picture(), s.typed.String())
		}
	}
}

// picture is what the learner sees.
func (s *seat) picture() string {
	var b strings.Builder
	now := s.size.Load()
	for y := range now[1] {
		b.WriteString(strings.TrimRight(ansi.Strip(string(s.glass.DrawRow(nil, y, now[0]))), " ") + "\n")
	}
	x, y, on := s.glass.Cursor()
	fmt.Fprintf(&b, "cursor %d,%d %v\n", x, y, on)
	return b.String()
}

func (s *seat) sees(text string) {
	s.t.Helper()
	s.until("shows "+text, func() bool { return strings.Contains(s.picture(), text) })
}

func (s *seat) press(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keys, keys); err != nil {
		s.t.Fatal(err)
	}
}

// gets waits until exactly text has been typed into the lab since.
func (s *seat) gets(text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("the lab gets %q", text), func() bool { return s.typed.String() == text })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.typed.Reset()
}

func (s *seat) prints(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.lab.Out, text); err != nil {
		s.t.Fatal(err)
	}
}

func TestView(t *testing.T) {
	for _, tt := range []struct {
		name       string
		cols, rows int
		keys, sees string
	}{
		{"split 120x40", 120, 40, "", "Step 1/3"},
		{"whole 80x24", 80, 24, "", "Step 1/3"},
		{"menu 120x40", 120, 40, "\x1d", "? more"},
		{"menu 80x24", 80, 24, "\x1d", "check"},
		{"help 120x40", 120, 40, "\x1d?", "type Ctrl-] itself"},
		{"help 80x24", 80, 24, "\x1d?", "type Ctrl-] itself"},
		{"failed 120x40", 120, 40, "\x1dc", "Not yet"},
		{"failed 80x24", 80, 24, "\x1dc", "Not yet"},
		{"hint 120x40", 120, 40, "\x1dh", "── Hint"},
		{"hint 80x24", 80, 24, "\x1dh", "── Hint"},
		{"solution asks 120x40", 120, 40, "\x1do", "any other key no"},
		{"text 80x24", 80, 24, "\x1dz", "back to the shell"},
		{"40x10", 40, 10, "", "Step 1/3"},
		{"menu 40x10", 40, 10, "\x1d", "? more"},
		{"help 40x10", 40, 10, "\x1d?", "any other key"},
		{"help below 40x10", 40, 10, "\x1d?\x1b[6~\x1b[6~\x1b[6~\x1b[6~\x1b[6~\x1b[6~\x1b[6~", "Everything else"},
		{"failed 40x10", 40, 10, "\x1dc", "readable by"},
		{"begin again asks 40x10", 40, 10, "\x1dr", "any other key no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sit(t, tt.cols, tt.rows, split.Options{})
			s.sees("Step 1/3")
			s.prints("\x1b[32mroot@lab\x1b[m:~# ls\r\n日本語  a.txt\r\nroot@lab:~# ")
			if tt.keys == "" || tt.cols > 100 && !strings.Contains(tt.keys, "?") {
				s.sees("日本語  a.txt")
			}
			s.press(tt.keys)
			s.sees(tt.sees)
			s.picks()
		})
	}
}

// A question is there as a whole, with the keys that answer it at its end.
func TestQuestionsAreWhole(t *testing.T) {
	german, _ := words.In("de")
	for _, size := range [][2]int{{120, 40}, {80, 24}, {40, 10}} {
		s := sit(t, size[0], size[1], split.Options{Words: german})
		s.sees("1/3")
		for _, key := range []string{"r", "o", "S"} {
			asks := func() bool {
				return strings.Contains(strings.Join(strings.Fields(s.picture()), " "), "y ja, jede andere Taste nein cursor")
			}
			s.press("\x1d" + key)
			s.until("the question of "+key+" as a whole", asks)
			s.press("n")
			s.until("the question is gone", func() bool { return !asks() })
		}
	}
}

// Of a long answer the end is in sight, where one types.
func TestLongAnswer(t *testing.T) {
	s := sit(t, 40, 10, split.Options{})
	s.sees("Step 1/3")
	s.press("\x1dg")
	s.sees("Go to step:")
	s.press(strings.Repeat("1234567890", 8) + "日本")
	s.sees("890日本\ncursor 38,9")
	s.press("\x1b[200~\ta\n\tb\x1b[201~") // a tab goes as far as the terminal likes
	s.sees("0日本 a  b\ncursor 38,9")
	s.press("\x7f\x7f\x7f\x7f\x7f")
	s.sees("890日本\ncursor 38,9")
	s.press("\x1b[200~👩\u200d👩\u200d👧\x1b[201~\x7f!")
	s.sees("90日本!\n")
	s.press("\x1b")
	s.sees("Step 1/3")
}

// absent is a hub that can't be reached at first.
type absent struct {
	backend
	back *atomic.Bool
}

func (a absent) LabSession(ctx context.Context, ref string) (hub.LabSession, error) {
	if !a.back.Load() {
		return hub.LabSession{}, hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub.")
	}
	return a.backend.LabSession(ctx, ref)
}

// The shell works while the hub is away, and the text comes when that is back.
func TestTheTextComesLater(t *testing.T) {
	back := &atomic.Bool{}
	s := sitBefore(t, 120, 40, split.Options{}, absent{backend{demo.New(screentest.Ana, screentest.Now).Busy()}, back})
	s.sees("Could not reach CloudMastersHub.")
	s.prints("root@lab:~# ")
	s.sees("root@lab:~#")
	s.press("ls\r")
	s.gets("ls\r")
	back.Store(true)
	s.sees("Step 1/3")
	s.sees("Look around")
}

// What is said at length lies over the shell, until the learner goes on.
func TestSaidAtLength(t *testing.T) {
	s := sit(t, 80, 24, split.Options{})
	s.sees("c check")
	s.prints(strings.Repeat("\r\n", 30) + "root@lab:~# ")
	s.sees("root@lab:~#")
	s.press("\x1dc")
	s.sees("observed: -rw-r--r--")
	s.picks()
	s.press("x")
	s.until("one line of it", func() bool {
		p := s.picture()
		return strings.Contains(p, "✗ Not yet.") && strings.Contains(p, "root@lab:~#") && !strings.Contains(p, "\n observed")
	})
	s.press("\r")
	s.sees("c check")
}

// Where the text goes on below what is in sight, that can be seen, and how to get
// there.
func TestMoreText(t *testing.T) {
	s := sitAt(t, 120, 40, split.Options{}, demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Steps[0].Text = strings.Repeat("One line of it.\n\n", 30) + "The end."
	}).Busy())
	s.sees("more: Ctrl-] ↓")
	s.press("\x1d\x1b[F")
	s.sees("The end.")
	s.picks()
}

// The keys below are those that one may want as things stand.
func TestNextKeys(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Ctrl-] c check  1 run  h hint  ? keys")
	s.press("\x1dc")
	s.sees("Not yet")
	s.press("\x1dc")
	s.sees("✓ Passed. Ctrl-] n goes on.")
	s.press("\r")
	s.sees("Ctrl-] n next  1 run  ? keys")
	s.press("\x1dz")
	s.sees("Ctrl-] n next  z task")
}

// Where no block can be run, none is offered to be.
func TestNothingToRun(t *testing.T) {
	s := sitAt(t, 120, 40, split.Options{}, demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Steps[0].Text = "Like this:\n\n```\n192.0.2.1 42\n```\n"
	}).Busy())
	s.sees("Ctrl-] c check  y copy  h hint  ? keys")
}

// What is typed reaches the lab as the learner's terminal sent it.
func TestKeys(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	for _, keys := range []string{"ls -l\r", "\x03\x04\x1a\x1b", "\x1b[A\x1bOA\x1b[1;5C\x1b[15~", "\x1bf\x1b\x1b", "é日本語", "\x1b[I"} {
		s.press(keys)
		s.gets(keys)
	}
	// Ctrl-] twice is one for the program: doubled again for the connection.
	s.press("\x1d\x1d")
	s.gets("\x1d\x1d")
	s.press("x")
	s.gets("x")
	// A sequence may come in pieces.
	s.press("\x1b[1;")
	s.press("5D")
	s.gets("\x1b[1;5D")
	// Newer keyboard protocols send the prefix otherwise.
	s.press("\x1b[93;5u")
	s.sees("? more")
	s.press("\x1b[27;5;93~")
	s.gets("\x1d\x1d")
	// So do locks, and what else a program may have asked for.
	for _, keys := range []string{"\x1b[93;69u", "\x1b[93;133u", "\x1b[93;197:1u", "\x1b[93:125;5;29u"} {
		s.press(keys + "\x1d")
		s.gets("\x1d\x1d")
	}
	for _, keys := range []string{"\x1b[93;6u", "\x1b[93;5:3u", "\x1b[93;70u", "\x1b[93u", "\x1b[94;5u"} {
		s.press(keys)
		s.gets(keys)
	}
}

// Nothing in what is pasted is a command, wherever it is cut.
func TestPaste(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("\x1b[?2004h")
	s.until("pasting is on", func() bool { return s.glass.Mode(2004) })
	pasted := "\x1b[200~one\r\x1dc two\x1b[A\x1b[201~"
	for cut := 1; cut < len(pasted); cut++ {
		if pasted[:cut] == "\x1b" || pasted[:cut] == pasted[:len(pasted)-5] {
			continue // an escape alone is the key
		}
		s.press(pasted[:cut])
		s.press(pasted[cut:])
		s.gets("\x1b[200~one\r\x1d\x1dc two\x1b[A\x1b[201~")
	}
}

// The learner's terminal is in the modes that the lab's programs ask for, and
// plain while a key is ours; in the end it is as it was.
func TestModes(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1004h\x1b[4 q")
	on := func() bool {
		return s.glass.Mode(1) && s.glass.Mode(2004) && s.glass.Mode(1002) && s.glass.Mode(1006) && s.glass.Mode(1004) && s.glass.Keypad() && s.glass.CursorShape() == 4
	}
	s.until("the modes are on", on)
	s.press("\x1d")
	s.until("they are off for a key of ours", func() bool { return !s.glass.Mode(1) && !s.glass.Mode(1002) })
	s.press("?")
	s.sees("type Ctrl-] itself")
	s.press("x")
	s.until("the modes are on again", on)
	s.hangUp <- 7
	<-s.ended
	if s.status != 7 || s.err != nil || s.left {
		t.Errorf("%d %v %v", s.status, s.left, s.err)
	}
	if s.glass.Alternate() || s.glass.Mode(1) || s.glass.Mode(1002) || s.glass.Mode(1006) || s.glass.Mode(1004) || s.glass.Mode(2004) || s.glass.Keypad() {
		t.Error("the terminal is not as it was")
	}
}

// A program that asks for the mouse gets it in its own coordinates and form;
// the wheel over the text scrolls that.
func TestMouse(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("\x1b[?1000h\x1b[?1006h")
	s.until("the mouse is on", func() bool { return s.glass.Mode(1006) })
	s.press("\x1b[<0;50;3M\x1b[<0;50;3m")
	s.gets("\x1b[<0;1;3M\x1b[<0;1;3m")
	s.prints("\x1b[?1006l\x1b[?1000h")
	s.press("\x1b[<0;51;3M\x1b[<0;51;3m\x1b[<65;5;5M")
	s.gets("\x1b[M \"#\x1b[M#\"#")
}

// A block is typed as the learner would: pasted where the shell knows pasting,
// line by line where not.
func TestRun(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.press("\x1d1")
	s.gets("ls -l /srv/app\r")
	s.prints("\x1b[?2004h")
	s.press("\x1d1")
	s.gets("\x1b[200~ls -l /srv/app\x1b[201~\r")
	s.press("\x1d7")
	s.sees("There is no block 7.")
	s.press("\x1dy1\r")
	s.until("the block is on the clipboard", func() bool {
		return bytes.Contains(s.raw.Bytes(), []byte("\x1b]52;c;bHMgLWwgL3Nydi9hcHAK\x07"))
	})
	s.press("\x1dy")
	s.sees("Copy block:")
	s.press("\x1b[200~ 9\r\x1b[201~\r")
	s.sees("There is no such block.")
}

// Programs that ask their terminal are answered, by the pane.
func TestAnswers(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("\x1b[5;9H\x1b[6n")
	s.gets("\x1b[5;9R")
	s.prints("\x1b[c\x1b[5n\x1b[?2004$p")
	s.gets("\x1b[?62;22c\x1b[0n\x1b[?2004;2$y")
}

// Whatever a lab prints, the learner's terminal gets text and colours in the
// pane's place, and none of its wishes.
func TestHostileOutput(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1bP+q\x1b\\\x1b[21t\x1b[8mhidden\x1b[m\u202egnp.exe\u009b2Jend\x1b[3;1Hlast")
	s.sees("last")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bad := range []string{"\x1b]", "\x1bP", "\x1b[21t", "\u202e", "\u009b", ";8m", "[8m"} {
		if strings.Contains(s.raw.String(), bad) {
			t.Errorf("%q came through", bad)
		}
	}
}

// A screen at rest sends nothing; one key's echo sends one row.
func TestQuiet(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	s.prints("$ ")
	s.until("the cursor is behind the prompt", func() bool { x, _, _ := s.glass.Cursor(); return x == 51 })
	s.mu.Lock()
	s.raw.Reset()
	s.mu.Unlock()
	s.prints("x")
	s.sees("$ x")
	s.prints("\x1b[m") // changes nothing
	s.prints("y")
	s.sees("$ xy")
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.raw.Len(); n > 160 {
		t.Errorf("two keys' echo is %d bytes: %q", n, s.raw.String())
	}
}

// From a key to the lab, and from there to the learner's terminal.
func BenchmarkEcho(b *testing.B) {
	s := sit(b, 120, 40, split.Options{})
	s.sees("Step 1/3")
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		if i%60 == 59 {
			s.prints("\r\n")
		}
		s.mu.Lock()
		typed, shown := s.typed.Len(), s.raw.Len()
		s.mu.Unlock()
		<-time.After(3 * time.Millisecond) // nobody types sooner than a frame may follow another
		began := time.Now()
		s.press("x")
		s.until("the lab has the key", func() bool { return s.typed.Len() > typed })
		s.prints("x")
		s.until("the echo is seen", func() bool { return s.raw.Len() > shown })
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
}

// A lab that prints without end costs no frame for each piece of it.
func BenchmarkFlood(b *testing.B) {
	s := sit(b, 120, 40, split.Options{})
	s.sees("Step 1/3")
	text := strings.Repeat("\x1b[32mthe quick brown fox\x1b[m jumps over the lazy dog\r\n", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.prints(text)
	}
}

// The size of the screen decides what stands where, and the lab hears of its
// own size.
func TestResize(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	for _, size := range [][4]int{{80, 24, 80, 23}, {200, 60, 123, 59}, {120, 40, 71, 39}, {1, 1, 2, 1}, {100, 30, 59, 29}} {
		s.change(func() { s.size.Store(&[2]int{size[0], size[1]}); s.glass.Resize(size[0], size[1]) })
		s.resized <- struct{}{}
		s.until(fmt.Sprint("the pane has its size of ", size), func() bool { c, r := s.lab.Size(); return c == size[2] && r == size[3] })
	}
	s.press("\x1dz")
	s.until("the shell has the whole screen", func() bool { c, _ := s.lab.Size(); return c == 100 })
}

// A key goes through while the lab prints without end.
func TestTypeIntoAFlood(t *testing.T) {
	s := sit(t, 120, 40, split.Options{})
	s.sees("Step 1/3")
	text := strings.Repeat("\x1b[32mthe quick brown fox\x1b[m jumps over the lazy dog\r\n", 200)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = io.WriteString(s.lab.Out, text)
			}
		}
	}()
	s.sees("lazy dog")
	s.press("\x03")
	s.gets("\x03")
	s.press("\x1dc")
	s.sees("Not yet")
	close(stop)
	<-stopped
}

// From a key to the lab while `cat` of 10 MB comes out of it.
func BenchmarkTypeIntoAFlood(b *testing.B) {
	s := sit(b, 120, 40, split.Options{})
	s.sees("Step 1/3")
	text := strings.Repeat("\x1b[32mthe quick brown fox\x1b[m jumps over the lazy dog\r\n", 600) // as SSH brings it
	var took []time.Duration
	var whole time.Duration
	for b.Loop() {
		began := time.Now()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for n := 0; n < 10<<20; n += len(text) {
				_, _ = io.WriteString(s.lab.Out, text)
			}
		}()
		for open := true; open; {
			s.mu.Lock()
			typed := s.typed.Len()
			s.mu.Unlock()
			key := time.Now()
			s.press("x")
			s.until("the lab has the key", func() bool { return s.typed.Len() > typed })
			took = append(took, time.Since(key))
			select {
			case <-ended:
				open = false
			case <-time.After(2 * time.Millisecond):
			}
		}
		whole += time.Since(began)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
	b.ReportMetric(float64(whole.Milliseconds())/float64(b.N), "ms/10MB")
}
