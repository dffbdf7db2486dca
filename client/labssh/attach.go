package labssh

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Detach is the key that leaves the lab running, before d: Ctrl-].
const Detach = 0x1d

// Terminal is the learner's own one, already in raw mode.
type Terminal struct {
	In   io.Reader // unblocked by the caller when Attach has returned
	Out  io.Writer
	Name string // as in TERM; empty is xterm-256color

	// Session is the lab's terminal to attach to; empty is the first that nobody
	// else is at.
	Session string

	// Language is what the command lab answers in, such as "de"; empty leaves it to
	// the shell.
	Language string

	// Size returns columns and rows. Resized is sent to when they change.
	Size    func() (columns, rows int)
	Resized <-chan struct{}

	// Say tells the learner what becomes of the connection. It may be nil.
	Say func(string)
}

// Attach gives the learner the lab's shell until it ends, the learner detaches
// with Ctrl-] d (Ctrl-] twice types one), or ctx ends. A broken connection is
// made again for up to a minute; the shell behind it goes on meanwhile. It
// returns the shell's exit status, and whether the learner detached. The error
// is ErrLost when the connection did not come back.
func Attach(ctx context.Context, certify Certify, t Terminal) (status int, detached bool, err error) {
	if t.Say == nil {
		t.Say = func(string) {}
	}
	if t.Name == "" {
		t.Name = defaultName
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := newKeyboard(t.In)
	go k.read(ctx)
	c, err := dial(ctx, certify)
	if err != nil {
		return 0, false, err
	}
	defer func() {
		if detached || err != nil {
			_, _ = io.WriteString(t.Out, leave)
		}
	}()
	for {
		status, err = shell(ctx, c, t, k)
		_ = c.Close()
		switch {
		case k.detached():
			return 0, true, nil
		case !errors.Is(err, ErrLost):
			return status, false, err
		}
		t.Say("Connection lost. Connecting again; Ctrl-] d gives up.")
		if c, err = again(ctx, certify, k); err != nil {
			if k.detached() {
				return 0, true, nil
			}
			return 0, false, err
		}
		t.Say("Connected again.")
	}
}

const defaultName = "xterm-256color"

const (
	comeback   = time.Minute
	firstPause = 250 * time.Millisecond
	longPause  = 5 * time.Second
)

// again connects after a loss. What can't get better with time ends it.
func again(ctx context.Context, certify Certify, k *keyboard) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, comeback, ErrLost)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-k.left:
			wait.Stop()
			return nil, ErrLost
		case <-ctx.Done():
			wait.Stop()
			return nil, context.Cause(ctx)
		}
		c, err := dial(ctx, certify)
		code := hub.CodeOf(err)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case code != hub.Unavailable && code != hub.Limit && !errors.Is(err, ErrLost):
			return nil, err
		}
	}
}
