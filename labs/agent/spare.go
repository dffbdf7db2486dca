package main

import (
	"slices"
	"sync/atomic"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// A spare is a terminal whose login shell stands at its prompt before anybody
// asks, in a sandbox that waits for its learner. It becomes their first terminal
// where that makes no difference: nothing else was started in the sandbox since,
// and the shell that is asked for would be started the same way. Otherwise it is
// killed, before what was to be started is.
type spare struct{ at atomic.Pointer[terminal] }

// prepare starts the spare, unless the sandbox is in use.
func (ts *terminals) prepare() error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.byName) > 0 || ts.spare.at.Load() != nil {
		return nil
	}
	before := ts.a.sp.started.Load()
	t, err := ts.open("", nil, clampSize(0, 0), nil)
	if err != nil {
		return err
	}
	ts.spare.at.Store(t)
	if ts.a.sp.started.Load() != before+1 { // somebody came between, and has not seen it
		ts.giveUp()
	}
	return nil
}

// giveUp ends the spare, so that nobody meets it.
func (ts *terminals) giveUp() {
	if t := ts.spare.at.Swap(nil); t != nil {
		t.a.sp.kill(t.shell, syscall.SIGKILL)
		<-t.shell.done
	}
}

// adopt returns the spare, when a terminal that is asked for now would be
// nothing else; else nil.
func (ts *terminals) adopt(term string, env map[string]string, modes ssh.TerminalModes) *terminal {
	t := ts.spare.at.Load()
	if t == nil {
		return nil
	}
	if !t.login.same(ts.a.loginShell(term, env)) || !t.tio.same(modes) {
		ts.giveUp()
		return nil
	}
	select {
	case <-t.shell.done: // it went by itself
		return nil
	default:
	}
	if !ts.spare.at.CompareAndSwap(t, nil) {
		return nil
	}
	t.term, t.env = term, env
	return t
}

// same reports whether two commands would start the same program.
func (c command) same(d command) bool {
	return c.path == d.path && c.dir == d.dir && slices.Equal(c.argv, d.argv) && slices.Equal(c.env, d.env)
}

// termios are a terminal's settings.
type termios unix.Termios

// same reports whether a client's modes would change nothing.
func (t termios) same(modes ssh.TerminalModes) bool {
	with := unix.Termios(t)
	apply(&with, modes)
	return termios(with) == t
}
