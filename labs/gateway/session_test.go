package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// A screen collects what a session shows.
type screen struct {
	t    *testing.T
	sess *gossh.Session
	in   io.WriteCloser
	mu   sync.Mutex
	text bytes.Buffer
	end  chan error
}

func open(t *testing.T, c *gossh.Client, pty bool, cmd string) *screen {
	t.Helper()
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, sess: sess, end: make(chan error, 1)}
	sess.Stdout, sess.Stderr = s, s
	if s.in, err = sess.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if pty {
		if err := sess.RequestPty("xterm", 24, 80, gossh.TerminalModes{}); err != nil {
			t.Fatal(err)
		}
	}
	if cmd == "" {
		err = sess.Shell()
	} else {
		err = sess.Start(cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.end <- sess.Wait() }()
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) sees(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); !re.MatchString(s.String()); <-tick.C {
		if time.Now().After(end) {
			s.t.Fatalf("no %q on the screen:\n%q", pattern, s.String())
		}
	}
}

func TestAttachAndComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	c := w.client(alices, w.alice)
	s := open(t, c, true, "")
	_, _ = io.WriteString(s.in, "echo mark-$((40+2))\n")
	s.sees(`mark-42\r`)
	second := open(t, c, true, "") // a second terminal, over the same connection
	_, _ = io.WriteString(second.in, "echo second-$((40+2))\n")
	second.sees(`second-42\r`)
	if strings.Contains(second.String(), "mark-42") {
		t.Error("two sessions share one terminal")
	}
	second.sess.Close()
	if got := w.seen(); got != "+box-a" {
		t.Errorf("events %q", got)
	}
	c.Close()
	until(t, "the lab is detached", func() bool { return w.seen() == "+box-a -box-a" })

	again := open(t, w.client(alices, w.alice), true, "")
	again.sees(`mark-42`)
	if err := again.sess.WindowChange(33, 99); err != nil {
		t.Fatal(err)
	}
	// Nothing orders a change of size and what is typed after it.
	until(t, "the new size is there", func() bool {
		_, _ = io.WriteString(again.in, "stty size\n")
		return strings.Contains(again.String(), "33 99")
	})
	_, _ = io.WriteString(again.in, "exit 8\n")
	if got := exitStatus(<-again.end); got != 8 {
		t.Errorf("status %d, screen %q", got, again.String())
	}
	until(t, "the lab is detached again", func() bool { return w.seen() == "+box-a -box-a +box-a -box-a" })
	// A command is no visitor.
	run(t, w.client(alices, w.alice), "true")
	if got := w.seen(); got != "+box-a -box-a +box-a -box-a" {
		t.Errorf("events %q", got)
	}
}

// When a session's channel closes its context ends, with and without a
// terminal, though the connection lives on.
func TestLobbySessionEndsWithItsChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	c := w.client("x", w.alice)
	want := ""
	for _, pty := range []bool{false, true} {
		s := open(t, c, pty, "wait")
		s.sees("waiting")
		s.in.Close() // the end of its input alone is no end
		if r := run(t, c, "x"); r.status != 9 || w.seen() != want {
			t.Errorf("%+v, events %q", r, w.seen())
		}
		s.sess.Close()
		want = strings.TrimSpace(want + " over")
		until(t, "the session has ended", func() bool { return w.seen() == want })
	}
}

func TestLobbyTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	c := w.client("x", w.alice)
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, sess: sess, end: make(chan error, 1)}
	sess.Stdout = s
	if s.in, err = sess.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestPty("evil\x1b[2J", 0, 70000, gossh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	for i := range 50 { // before anybody listens
		if err := sess.WindowChange(30, 90+i); err != nil {
			t.Fatal(err)
		}
	}
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	s.sees(`lobby of key on xterm 1000x24`)
	s.sees(`now 139x30`)
	// One learner's Ctrl-C, Ctrl-Z or Ctrl-\ is a key like any other.
	_, _ = io.WriteString(s.in, "\x03\x1a\x1c")
	s.sees(`key 3\r\nkey 1a\r\nkey 1c`)
	if r := run(t, c, "x"); r.out != "lobby of key: x\n" {
		t.Errorf("another session meanwhile: %+v", r)
	}
	_, _ = io.WriteString(s.in, "q")
	if err := sess.Wait(); err != nil {
		t.Errorf("end: %v", err)
	}
	// A handler's own fault ends its session alone.
	run(t, c, "panic")
	if r := run(t, c, "x"); r.status != 9 {
		t.Errorf("after a panic: %+v", r)
	}
}

func TestLobbyEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	s, err := w.client("x", w.alice).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for k, ok := range map[string]bool{"LANG": true, "LD_PRELOAD": false, "CMH_TOKEN": false} {
		if err := s.Setenv(k, "v"); (err == nil) != ok {
			t.Errorf("%s: %v", k, err)
		}
	}
	if err := s.Setenv("LC_ALL", strings.Repeat("x", 300)); err == nil {
		t.Error("a value without bounds was taken")
	}
	if out, err := s.Output("env"); err != nil || string(out) != "LANG=v\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// In a lab and in the lobby a client has at most 32 variables, of five kinds of
// names, and of a size.
func TestEnvironmentIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	for user, env := range map[string]string{alices: "env", "x": "env"} {
		s, err := w.client(user, w.alice).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{
			"LC_A=B", "LC_\n", "LC_\x00X", "LC_" + strings.Repeat("X", 62), "PATH", "BASH_ENV", "ENV", "LANGUAGE", "LCX", "lc_all", "LD_AUDIT", "SSH_AUTH_SOCK", "CMH_WATCH", "CMH_NOTICE", "",
		} {
			if err := s.Setenv(k, "bad"); err == nil {
				t.Errorf("%s takes %q", user, k)
			}
		}
		if err := s.Setenv("LC_NUL", "bad\x00"); err == nil {
			t.Errorf("%s takes a value with a NUL", user)
		}
		taken := 0
		for i := range 100 {
			if s.Setenv(fmt.Sprintf("LC_N%d", i), strings.Repeat("v", 256)) == nil {
				taken++
			}
		}
		out, err := s.Output(env)
		if got := strings.Count(string(out), "LC_"); err != nil || taken > 32 || got != taken || strings.Contains(string(out), "bad") {
			t.Errorf("%s takes %d of 100 variables, and has %d of them: %v\n%s", user, taken, got, err, out)
		}
	}
}

// A terminal's name and size are whatever a client says: what comes of it in a
// lab is the name of a terminal and a size.
func TestOddTerminals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 100})
	for _, c := range []struct {
		term          string
		columns, rows int
		want          string
	}{
		{"xterm", 100, 30, "xterm 30 100"},
		{"evil\x1b[2J", 0, 70000, "xterm 1000 80"},
		{strings.Repeat("x", 65), 1 << 31, 0, "xterm 24 1000"},
		{"../../etc/passwd", 1, 1, "xterm-256color 1 1"},
		{"a b;id", 1000, 1000, "xterm 1000 1000"},
	} {
		s, err := w.client(alices, w.alice).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RequestPty(c.term, c.rows, c.columns, gossh.TerminalModes{}); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Output(`echo "$TERM $(stty size)"`); err != nil || strings.TrimSpace(string(out)) != c.want {
			t.Errorf("%q %dx%d: %q, %v", c.term, c.columns, c.rows, out, err)
		}
	}
	// A size that changes to nonsense, two terminals at once, a request that is
	// none: the connection lives.
	c := w.client(alices, w.alice)
	s := open(t, c, true, "")
	for _, payload := range [][]byte{nil, {1}, bytes.Repeat([]byte{255}, 16), bytes.Repeat([]byte{0}, 16), make([]byte, 1<<15)} {
		for _, kind := range []string{"window-change", "pty-req", "env", "signal", "xon-xoff", "break"} {
			_, _ = s.sess.SendRequest(kind, false, payload)
		}
	}
	_, _ = io.WriteString(s.in, "echo alive-$((40+2))\n")
	s.sees(`alive-42`)
	if log := w.log.String(); strings.ContainsAny(log, "\x1b\x00\a") || strings.Contains(log, strings.Repeat("x", 65)) {
		t.Errorf("the log: %q", log)
	}
}

func TestShutdownSaysGoodbye(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	lab := open(t, w.client(alices, w.alice), true, "")
	lab.sees(`\$|#`)
	tui := open(t, w.client("x", w.bob), true, "")
	tui.sees("lobby")
	w.stop()
	for name, s := range map[string]*screen{"lab": lab, "tui": tui} {
		if got := exitStatus(<-s.end); got != 255 || !strings.Contains(s.String(), "The gateway is restarting") {
			t.Errorf("%s: status %d, screen %q", name, got, s.String())
		}
	}
	if _, err := w.dial("x", w.alice); err == nil {
		t.Error("a connection after the end")
	}
}

// A sandbox that cannot be reached, or that goes away, is said to be so.
func TestLabIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	s := open(t, w.client(alices, w.alice), true, "")
	_, _ = io.WriteString(s.in, "echo pid=$PPID.\n")
	s.sees(`pid=\d+\.`)
	pid := regexp.MustCompile(`pid=(\d+)\.`).FindStringSubmatch(s.String())[1]
	run(t, w.client(alices, w.alice), "kill -9 "+pid)
	if got := exitStatus(<-s.end); got != 255 || !strings.Contains(s.String(), "connection to the lab was lost") {
		t.Errorf("status %d, screen %q", got, s.String())
	}
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 75 || !strings.Contains(r.err, "could not be reached") {
		t.Errorf("afterwards: %+v", r)
	}
}
