package testscript

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// converse runs a command on a terminal of 80 by 24, and talks with it as a
// file says: converse FILE COMMAND... . Its lines are
//
//	sees REGEXP     what the program shows from here on, without its colours
//	types "TEXT"    a Go string
//	runs COMMAND    meanwhile
//	size COLUMNS ROWS
//	lines           all that was shown so far is lines of text, with nothing that moves or draws
//	quiet           what it shows is complete: nothing comes any more
//	atmost BYTES    all that was sent so far
//	sent "TEXT"     somewhere in all that was sent from the beginning, by and by
//	unsent "TEXT"   nowhere in all that was sent so far
//	signal NAME     TERM, HUP or INT, to the program
//	exits STATUS
//	restored        the terminal is as it was before
func converse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: converse FILE COMMAND...")
	}
	cmd := exec.Command(args[1], args[2:]...) //nolint:noctx // it ends with its terminal
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = []string{"TERM=xterm-256color", "HOME=" + ts.Getenv("WORK"), "PATH=" + ts.Getenv("PATH")}
	tty, before, err := start(cmd)
	ts.Check(err)
	defer tty.Close()
	defer func() { _ = cmd.Process.Kill() }() // no more than it has ended
	var shown show
	ended := make(chan error, 1)
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := tty.Read(buf)
			shown.add(buf[:n])
			if err != nil {
				ended <- cmd.Wait()
				return
			}
		}
	}()
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "sees":
			re, err := regexp.Compile(rest)
			ts.Check(err)
			if !shown.wait(re) {
				ts.Fatalf("never saw %s; after what it saw before there is:\n%q", rest, shown.left())
			}
		case "types":
			text, err := strconv.Unquote(rest)
			ts.Check(err)
			_, err = tty.WriteString(text)
			ts.Check(err)
		case "lines":
			if bad := moves.FindString(shown.everything()); bad != "" {
				ts.Fatalf("%q was shown", bad)
			}
		case "runs":
			words := strings.Fields(rest)
			ts.Check(ts.Exec(words[0], words[1:]...))
		case "size":
			columns, rows, _ := strings.Cut(rest, " ")
			c, errC := strconv.ParseUint(columns, 10, 16)
			r, errR := strconv.ParseUint(rows, 10, 16)
			ts.Check(errors.Join(errC, errR, pty.Setsize(tty, &pty.Winsize{Cols: uint16(c), Rows: uint16(r)})))
		case "quiet":
			if !shown.settles() {
				ts.Fatalf("it never stops sending; at last:\n%q", shown.left())
			}
		case "atmost":
			most, err := strconv.Atoi(rest)
			ts.Check(err)
			if n := len(shown.everything()); n > most {
				ts.Fatalf("it has sent %d bytes", n)
			}
		case "sent":
			text, err := strconv.Unquote(rest)
			ts.Check(err)
			if !shown.waitAll(text) {
				ts.Fatalf("it has not sent %q", text)
			}
		case "unsent":
			text, err := strconv.Unquote(rest)
			ts.Check(err)
			if strings.Contains(shown.everything(), text) {
				ts.Fatalf("it has sent %q", text)
			}
		case "signal":
			sig, ok := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT}[rest]
			if !ok {
				ts.Fatalf("there is no signal %q in a conversation", rest)
			}
			ts.Check(cmd.Process.Signal(sig))
		case "restored":
			after, err := settings(tty)
			ts.Check(err)
			if *after != *before {
				ts.Fatalf("the terminal was %+v, and is %+v", *before, *after)
			}
			if mode := left(shown.everything()); mode != "" {
				ts.Fatalf("it has left the terminal in the mode %s", mode)
			}
		case "exits":
			select {
			case err := <-ended:
				status := 0
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					status = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if strconv.Itoa(status) != rest {
					ts.Fatalf("exit status %d, want %s", status, rest)
				}
			case <-time.After(patience):
				_ = cmd.Process.Signal(syscall.SIGTERM)
				ts.Fatalf("it does not end; it shows:\n%q", shown.left())
			}
		case "", "#":
		default:
			ts.Fatalf("there is no %q in a conversation", word)
		}
	}
}

// start begins cmd on a terminal of its own, and tells how that was set before.
func start(cmd *exec.Cmd) (tty *os.File, before *unix.Termios, err error) {
	tty, theirs, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err = pty.Setsize(tty, &pty.Winsize{Cols: 80, Rows: 24}); err == nil {
		before, err = settings(tty)
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = tty.Close()
	}
	return tty, before, err
}

// settings are how a terminal is set: echo, lines, signals.
func settings(tty *os.File) (t *unix.Termios, err error) {
	c, err := tty.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := c.Control(func(fd uintptr) { t, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); e != nil {
		err = e
	}
	return t, err
}

// left is a mode that was set and not taken back: the other screen, pasting,
// mouse, a hidden cursor.
func left(sent string) string {
	for _, mode := range []string{"?1049", "?2004", "?1000", "?1002", "?1003", "?1006", "?2026"} {
		if strings.LastIndex(sent, "\x1b["+mode+"h") > strings.LastIndex(sent, "\x1b["+mode+"l") {
			return mode + "h"
		}
	}
	if strings.LastIndex(sent, "\x1b[?25l") > strings.LastIndex(sent, "\x1b[?25h") {
		return "?25l"
	}
	return ""
}

// moves matches what one can't read aloud: control sequences, lines drawn in
// place of others, the edges of boxes, spinners. Authors may draw in a block.
var moves = regexp.MustCompile("(?m)\x1b.{0,20}|\r[^\r\n].{0,20}|^ *[│┆╭▌▸▾━─].{0,20}|[\u2800-\u28ff].{0,20}")

// patience is how long a conversation waits for one answer.
const patience = 3 * time.Minute

// show is what a program has written on its terminal and nobody has seen yet.
type show struct {
	mu   sync.Mutex
	text bytes.Buffer
	all  bytes.Buffer // what nothing is forgotten of
}

func (s *show) everything() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func (s *show) add(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	s.all.Write(p)
}

func (s *show) left() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ansi.Strip(s.text.String())
}

// settles waits for two seconds in which nothing comes. Late they may come on a
// loaded machine; from a program that draws without end they never do.
func (s *show) settles() bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	n, since := -1, time.Now()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if now := len(s.everything()); now != n {
			n, since = now, time.Now()
		} else if time.Since(since) > 2*time.Second {
			return true
		}
	}
	return false
}

// wait looks for re, and forgets everything up to its end. What came behind it,
// while nobody looked, is still to be seen.
func (s *show) wait(re *regexp.Regexp) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if s.find(re) {
			return true
		}
	}
	return false
}

// waitAll looks for text in all that there ever was.
func (s *show) waitAll(text string) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if strings.Contains(s.everything(), text) {
			return true
		}
	}
	return false
}

func (s *show) find(re *regexp.Regexp) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.text.Bytes()
	n := whole(raw)
	text := ansi.Strip(string(raw[:n]))
	at := re.FindStringIndex(text)
	if at == nil {
		return false
	}
	rest := text[at[1]:] + string(raw[n:])
	s.text.Reset()
	s.text.WriteString(rest)
	return true
}

// whole is how much of p what comes next can't change: it ends with no part of
// a character or of a control sequence.
func whole(p []byte) int {
	n := len(p)
	for i := 1; i <= min(utf8.UTFMax, len(p)); i++ {
		if last := p[len(p)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				n -= i
			}
			break
		}
	}
	if i := bytes.LastIndexByte(p[:n], '\x1b'); i >= 0 && !strings.HasSuffix(ansi.Strip(string(p[i:n])+"x"), "x") {
		n = i
	}
	return n
}
