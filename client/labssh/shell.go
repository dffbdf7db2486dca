package labssh

import (
	"context"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"
)

// On gives the learner a shell on c, a connection to the lab's own side, until
// it ends, the learner detaches as in Attach, or ctx ends. It closes c. A broken
// connection is not made again: the error is ErrLost.
func On(ctx context.Context, c *ssh.Client, t Terminal) (status int, detached bool, err error) {
	if t.Name == "" {
		t.Name = defaultName
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := newKeyboard(t.In)
	go k.read(ctx)
	status, err = shell(ctx, c, t, k)
	if k.detached() {
		status, detached, err = 0, true, nil
	}
	if detached || err != nil {
		_, _ = io.WriteString(t.Out, leave)
	}
	return status, detached, err
}

// leave undoes what a program that was left in the middle may have done to the
// terminal: its margins, keys and attributes, its screen, mouse and pasting.
const leave = "\x1b[!p\x1b[?1047l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[?25h\r\n"

// shell runs one interactive session on c, which is closed when it returns.
func shell(ctx context.Context, c *ssh.Client, t Terminal, k *keyboard) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	session, err := c.NewSession()
	if err != nil {
		return 0, lost(ctx, err)
	}
	in, err := session.StdinPipe()
	if err != nil {
		return 0, err
	}
	session.Stdout, session.Stderr = t.Out, t.Out
	columns, rows := size(t)
	modes := ssh.TerminalModes{ssh.TTY_OP_ISPEED: 38400, ssh.TTY_OP_OSPEED: 38400}
	if t.Session != "" {
		if err := session.Setenv("CMH_SESSION", t.Session); err != nil {
			return 0, lost(ctx, err)
		}
	}
	if t.Language != "" {
		_ = session.Setenv("CMH_LANGUAGE", t.Language) // an older hub doesn't take it
	}
	if err := session.RequestPty(t.Name, rows, columns, modes); err != nil {
		return 0, lost(ctx, err)
	}
	if err := session.Shell(); err != nil {
		return 0, lost(ctx, err)
	}
	done := make(chan struct{})
	var pumps sync.WaitGroup
	pumps.Go(func() { k.pump(in, done, func() { _ = c.Close() }) })
	pumps.Go(func() { resize(session, t, done) })
	code, err := status(ctx, session.Wait())
	_ = c.Close() // unblocks a pump in the middle of a write
	close(done)
	pumps.Wait()
	return code, err
}

// size is the terminal's size; one that does not know its own is 80 by 24.
func size(t Terminal) (columns, rows int) {
	if t.Size != nil {
		columns, rows = t.Size()
	}
	if columns < 1 || rows < 1 {
		return 80, 24
	}
	return min(columns, 1000), min(rows, 1000)
}

func resize(s *ssh.Session, t Terminal, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-t.Resized:
			columns, rows := size(t)
			_ = s.WindowChange(rows, columns) // a lost connection shows elsewhere
		}
	}
}

// keyboard reads what the learner types, for as many connections as it takes,
// and finds the detach keys in it.
type keyboard struct {
	in    io.Reader
	typed chan []byte
	left  chan struct{} // closed when the learner detached
	ended chan struct{} // closed at the end of the input
}

func newKeyboard(in io.Reader) *keyboard {
	return &keyboard{in: in, typed: make(chan []byte, 256), left: make(chan struct{}), ended: make(chan struct{})}
}

func (k *keyboard) detached() bool {
	select {
	case <-k.left:
		return true
	default:
		return false
	}
}

func (k *keyboard) read(ctx context.Context) {
	defer close(k.ended)
	var held bool // Ctrl-] was the last key
	buf := make([]byte, 4096)
	for {
		n, err := k.in.Read(buf)
		out, detach := sift(buf[:n], &held)
		if len(out) > 0 {
			select {
			case k.typed <- out:
			case <-ctx.Done():
				return
			}
		}
		if detach {
			close(k.left)
			return
		}
		if err != nil {
			return
		}
	}
}

// sift returns what of typed goes to the lab, and whether the learner detached.
func sift(typed []byte, held *bool) (out []byte, detach bool) {
	for _, b := range typed {
		switch {
		case *held && b == 'd':
			return out, true
		case *held && b == Detach:
			out, *held = append(out, b), false
		case *held:
			out, *held = append(out, Detach, b), false
		case b == Detach:
			*held = true
		default:
			out = append(out, b)
		}
	}
	return out, false
}

// pump hands on what is typed until done, and hangs up when the learner
// detaches.
func (k *keyboard) pump(to io.WriteCloser, done <-chan struct{}, hangUp func()) {
	ended := k.ended
	for {
		select {
		case <-done:
			return
		case <-k.left:
			hangUp()
			return
		case b := <-k.typed:
			if _, err := to.Write(b); err != nil {
				return
			}
		case <-ended:
			select {
			case b := <-k.typed: // typed before the end
				if _, err := to.Write(b); err != nil {
					return
				}
			default:
				_ = to.Close()
				ended = nil
			}
		}
	}
}
