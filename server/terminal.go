package server

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"charm.land/ssh"

	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/labs/gateway"
)

// A terminal is a learner's SSH session that its screens can lend to the shell
// of a lab. Reading can't be called back from a session, so one goroutine reads
// it, and whoever's turn it is gets what was typed.
type terminal struct {
	ssh.Session
	pty     ssh.Pty
	resized [2]chan struct{} // for the screens, and for the shell

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
	t := &terminal{Session: s, pty: pty, resized: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}, window: pty.Window}
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
		select {
		case t.resized[t.turn%2] <- struct{}{}:
		default: // they are going to look anyway
		}
		t.mu.Unlock()
	}
}

// environ is the session's, of which no client tells that it is one.
func (t *terminal) environ() []string { return remote(t.Environ(), t.pty.Term) }

// remote is an environment over SSH, with what stands for no colours as those
// understand it who decide on them: any value means it.
func remote(client []string, term string) []string {
	env := append(slices.Clone(client), "TERM="+term, "SSH_TTY=")
	for i, kv := range env {
		if strings.HasPrefix(kv, "NO_COLOR=") && kv != "NO_COLOR=" {
			env[i] = "NO_COLOR=1"
		}
	}
	return env
}

// forScreens is the terminal as the screens have it, until they give it back or it
// is lent.
func (t *terminal) forScreens() (labssh.Terminal, func(), error) {
	l := t.begin()
	return labssh.Terminal{In: l, Out: gateway.Raw(t), Size: t.size, Resized: t.resized[0]}, l.end, nil
}

// begin is what is typed for the screens from now on.
func (t *terminal) begin() *loan {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &loan{t, t.turn}
}

// Read is for a command that asks. It ends when the terminal is lent, and works
// again once that is back.
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

// giveBack returns the terminal to the screens, which look how large it is by now.
func (t *terminal) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn%2 == 1 {
		t.turn++
		t.change.Broadcast()
	}
}

func (t *terminal) size() (columns, rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.window.Width, t.window.Height
}

// A loan is what is typed in one turn.
type loan struct {
	t    *terminal
	turn int
}

// Ours reports whether the turn still is.
func (l *loan) Ours() bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	return l.t.turn == l.turn
}

// Unread leaves to whoever is next what was read too early.
func (l *loan) Unread(typed []byte) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	l.t.typed = slices.Concat(typed, l.t.typed)
	l.t.change.Broadcast()
}

// end ends the screens' turn, unless somebody else has by now.
func (l *loan) end() {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if l.t.turn == l.turn {
		l.t.turn += 2
		l.t.change.Broadcast()
	}
}

func (l *loan) Read(p []byte) (int, error) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	return l.t.read(p, l.turn)
}
