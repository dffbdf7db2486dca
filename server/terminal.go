package server

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"charm.land/ssh"
)

// A terminal is a learner's SSH session that its screens can lend to the shell
// of a lab. Reading can't be called back from a session, so one goroutine reads
// it, and whoever's turn it is gets what was typed.
type terminal struct {
	ssh.Session
	pty     ssh.Pty
	windows chan ssh.Window // for the screens; only the latest is kept
	resized chan struct{}   // for the shell

	mu     sync.Mutex
	change sync.Cond
	turn   int // odd while it is lent
	typed  []byte
	ended  bool
	window ssh.Window
}

// newTerminal takes over the input and the window changes of a session on a PTY,
// until ctx ends.
func newTerminal(ctx context.Context, s ssh.Session) *terminal {
	pty, windows, _ := s.Pty()
	t := &terminal{Session: s, pty: pty, windows: make(chan ssh.Window, 1), resized: make(chan struct{}, 1), window: pty.Window}
	t.change.L = &t.mu
	context.AfterFunc(ctx, t.end)
	go t.listen() // both end with the session, which ends when its handler returns
	go t.watch(windows)
	return t
}

func (t *terminal) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.change.Broadcast()
}

// listen takes what is typed, as much as is wanted.
func (t *terminal) listen() {
	defer t.end()
	buf := make([]byte, 4096)
	for {
		n, err := t.Session.Read(buf)
		t.mu.Lock()
		t.typed = append(t.typed, buf[:n]...)
		t.change.Broadcast()
		for len(t.typed) > 0 && !t.ended {
			t.change.Wait()
		}
		over := t.ended
		t.mu.Unlock()
		if err != nil || over {
			return
		}
	}
}

func (t *terminal) watch(windows <-chan ssh.Window) {
	for w := range windows {
		t.mu.Lock()
		t.window = w
		if t.turn%2 == 0 {
			t.tellScreens()
		} else {
			select {
			case t.resized <- struct{}{}:
			default: // it is going to look anyway
			}
		}
		t.mu.Unlock()
	}
}

// tellScreens leaves the current size where the screens find it; the caller
// holds mu.
func (t *terminal) tellScreens() {
	select {
	case <-t.windows: // an older one
	default:
	}
	t.windows <- t.window
}

// Environ is the session's, with what stands for no colours as those understand it
// who decide on them: any value means it.
func (t *terminal) Environ() []string {
	env := slices.Clone(t.Session.Environ())
	for i, kv := range env {
		if strings.HasPrefix(kv, "NO_COLOR=") && kv != "NO_COLOR=" {
			env[i] = "NO_COLOR=1"
		}
	}
	return env
}

// Pty is what the screens see of the PTY.
func (t *terminal) Pty() (ssh.Pty, <-chan ssh.Window, bool) { return t.pty, t.windows, true }

// Read is the screens' one. It ends when the terminal is lent, and works again
// once that is back.
func (t *terminal) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read(p, t.turn&^1)
}

// read is for whoever's turn it is; the caller holds mu.
func (t *terminal) read(p []byte, turn int) (int, error) {
	for t.turn == turn && len(t.typed) == 0 && !t.ended {
		t.change.Wait()
	}
	if t.turn != turn || len(t.typed) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.typed)
	t.typed = t.typed[n:]
	t.change.Broadcast()
	return n, nil
}

// lend takes the terminal from the screens, and returns what is typed from now
// on, until giveBack.
func (t *terminal) lend() io.Reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn |= 1
	t.change.Broadcast()
	return &loan{t, t.turn}
}

// giveBack returns the terminal to the screens, in the size it has by now.
func (t *terminal) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn%2 == 1 {
		t.turn++
		t.tellScreens()
		t.change.Broadcast()
	}
}

// size is for the shell.
func (t *terminal) size() (columns, rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.window.Width, t.window.Height
}

type loan struct {
	t    *terminal
	turn int
}

func (l *loan) Read(p []byte) (int, error) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	return l.t.read(p, l.turn)
}
