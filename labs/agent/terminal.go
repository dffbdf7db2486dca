package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

const (
	maxTerminals = 16
	drainGrace   = 200 * time.Millisecond
)

// A terminal is a login shell on a PTY that the agent owns. Connections come
// and go; it ends with its shell.
type terminal struct {
	name string
	a    *agent
	ptmx *os.File
	out  *output
	done chan struct{} // closed when it has ended, after exit is set
	exit int

	login command // what its first shell was started with
	tio   termios // and on what

	printed atomic.Int64 // uptime of the last output

	mu       sync.Mutex
	shell    *proc
	attached int
	env      map[string]string
	term     string
	marker   string // file that says, while not empty, that a sourced script is at work
}

// terminals by name.
type terminals struct {
	mu     sync.Mutex
	a      *agent
	byName map[string]*terminal
	spare  spare
}

// attach finds or makes the terminal for a client. The caller must release it.
// An empty name is the first terminal nobody is attached to.
func (ts *terminals) attach(name, term string, env map[string]string, size unix.Winsize, modes ssh.TerminalModes) (t *terminal, made bool, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if name == "" {
		name = ts.free()
	}
	if t = ts.byName[name]; t == nil {
		if t, err = ts.start(name, term, env, size, modes); err != nil {
			return nil, false, err
		}
		made = true
	}
	t.mu.Lock()
	t.attached++
	t.mu.Unlock()
	return t, made, nil
}

func (ts *terminals) free() string {
	const first = "main"
	if t := ts.byName[first]; t == nil || t.idle() {
		return first
	}
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", first, n)
		if t := ts.byName[name]; t == nil || t.idle() {
			return name
		}
	}
}

// find returns the terminal of that name, or without one the one that printed
// last; nil when there is none.
func (ts *terminals) find(name string) (last *terminal) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if name != "" {
		return ts.byName[name]
	}
	for _, t := range ts.byName {
		if last == nil || t.printed.Load() > last.printed.Load() {
			last = t
		}
	}
	return last
}

func (t *terminal) idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.attached == 0
}

func (t *terminal) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attached--
}

// start makes a terminal; the caller holds ts.mu.
func (ts *terminals) start(name, term string, env map[string]string, size unix.Winsize, modes ssh.TerminalModes) (*terminal, error) {
	if len(ts.byName) >= maxTerminals {
		return nil, fmt.Errorf("%d terminals are open, which is the limit", maxTerminals)
	}
	t := ts.adopt(term, env, modes)
	if t == nil {
		var err error
		if t, err = ts.open(term, env, size, modes); err != nil {
			return nil, err
		}
	}
	if ts.byName == nil {
		ts.byName = map[string]*terminal{}
	}
	t.name = name
	ts.byName[name] = t
	return t, nil
}

// open makes a terminal that has no name yet. It ends with its shell.
func (ts *terminals) open(term string, env map[string]string, size unix.Winsize, modes ssh.TerminalModes) (*terminal, error) {
	ptmx, tty, err := openPTY(size, modes)
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	t := &terminal{a: ts.a, ptmx: ptmx, done: make(chan struct{}), env: env, term: term, tio: settings(tty)}
	t.out = newOutput(size, func(size unix.Winsize) { setSize(ptmx, size) })
	t.login = ts.a.loginShell(term, env)
	if t.shell, err = t.startShell(tty, t.login); err != nil {
		ptmx.Close()
		return nil, err
	}
	go func() {
		t.supervise()
		ts.mu.Lock()
		ts.spare.at.CompareAndSwap(t, nil)
		if ts.byName[t.name] == t {
			delete(ts.byName, t.name)
		}
		ts.mu.Unlock()
		close(t.done)
		t.out.close()
	}()
	return t, nil
}

// loginShell is how a terminal's shell is started.
func (a *agent) loginShell(term string, env map[string]string) command {
	acc := a.learner()
	c := command{env: a.environ(acc, a.terminalEnv(term, env)), dir: acc.dir, tty: true, uid: acc.uid}
	c.path, c.argv = acc.become([]string{a.shellName(acc)})
	return c
}

func (t *terminal) startShell(tty *os.File, c command) (*proc, error) {
	c.files = [3]*os.File{tty, tty, tty}
	if c.uid != 0 {
		_ = tty.Chown(c.uid, -1) // programs open it by its name
	}
	return t.a.sp.start(c)
}

// copyOutput shows what the programs print until the kernel has
// hung up the far side, as it does when the shell ends.
func (t *terminal) copyOutput() {
	buf := make([]byte, 32<<10)
	left := graces(8)
	for {
		n, err := t.ptmx.Read(buf)
		if n > 0 {
			t.printed.Store(uptime())
			t.a.clock.touch()
			t.out.write(buf[:n])
		}
		if err != nil && !left.more(t.ptmx, err) {
			return
		}
	}
}

// supervise waits for the shell. A shell that a sourced script took down is
// replaced on the same PTY, because the learner did not ask to leave.
func (t *terminal) supervise() {
	defer t.ptmx.Close()
	for {
		copied := make(chan struct{})
		go func() {
			defer close(copied)
			t.copyOutput()
		}()
		t.mu.Lock()
		shell := t.shell
		t.mu.Unlock()
		<-shell.done
		// What is still in the PTY belongs to the learner; whoever holds it
		// open must not hold the session.
		_ = t.ptmx.SetReadDeadline(time.Now().Add(drainGrace))
		<-copied
		_ = t.ptmx.SetReadDeadline(time.Time{})
		if !t.replaceShell() {
			t.exit = shell.exit()
			return
		}
	}
}

func (t *terminal) replaceShell() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.marker == "" {
		return false
	}
	st, err := os.Lstat(t.marker)
	_ = os.Remove(t.marker)
	t.marker = ""
	if err != nil || st.Size() == 0 {
		return false // the script had come to its end: the learner typed exit
	}
	tty, err := peer(t.ptmx)
	if err != nil {
		return false
	}
	defer tty.Close()
	sane(tty)
	t.out.write([]byte("\r\n[" + t.a.tongue.T("The set-up script ended the shell; this is a fresh one.") + "]\r\n"))
	shell, err := t.startShell(tty, t.a.loginShell(t.term, t.env))
	if err != nil {
		logf("fresh shell: %v", err)
		return false
	}
	t.shell = shell
	return true
}

// input types bytes. A program that takes no input does not hold its client
// for ever.
func (t *terminal) input(p []byte) error {
	_ = t.ptmx.SetWriteDeadline(time.Now().Add(30 * time.Second))
	_, err := t.ptmx.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // dropped, as a real terminal would
	}
	return err
}

// serve copies between one client and the terminal until either ends. ended
// is true when the terminal did.
func (t *terminal) serve(ch *channel, v *viewer, gone <-chan struct{}) (ended bool) {
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := ch.Read(buf)
			if n > 0 && v.typed() && t.input(buf[:n]) != nil {
				return
			}
			if err != nil { // end of input: there may be output to come
				return
			}
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		p, err := v.next(buf, gone)
		if errors.Is(err, io.EOF) {
			v.farewell(ch)
			return true
		}
		if err != nil {
			return false
		}
		if _, err := ch.Write(p); err != nil {
			return false
		}
	}
}
