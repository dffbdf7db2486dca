// Package forming does what --jq and --template ask for of those who come over SSH.
// Both are programs of theirs, which may work without end or fill all memory there
// is, so each runs in a process of its own that the kernel bounds: a visitor takes
// from nobody but themselves. What they may ask, its callers decide.
package forming

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client/hub"
)

// longest is how many bytes an expression may have.
const longest = 16 << 10

// Forms starts processes. A nil one starts none.
type Forms struct {
	log  *slog.Logger
	path string
	argv []string
	places
	patience time.Duration // for those who don't read, over the whole life of a process
}

// New returns one that starts the program at path, which calls Serve, with argv.
func New(log *slog.Logger, path string, argv ...string) *Forms {
	return &Forms{log: log, path: path, argv: argv, places: newPlaces(), patience: 20 * time.Second}
}

// Start begins to put JSON values into the form that an expression asks for. It waits
// a moment where too many are at work. Closing what it returns waits for the last
// value, and tells what was wrong. The process ends with ctx, soon after this one, and
// when nobody reads what it writes.
func (f *Forms) Start(ctx context.Context, who Who, kind, expr string, out io.Writer) (io.WriteCloser, error) {
	if len(expr) > longest {
		return nil, hub.Errorf(hub.Invalid, "--%s takes at most %d bytes here.", kind, longest)
	}
	first, err := json.Marshal(order{kind, expr})
	if err != nil {
		return nil, err
	}
	if err := f.enter(ctx, who); err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(inner, f.path)
	w := &work{
		visit: ctx, log: f.log, kind: kind, done: make(chan struct{}),
		out: outlet{to: out, left: f.patience, end: inner.Done()},
	}
	cmd.Args, cmd.Env, cmd.Dir = f.argv, []string{}, "/"
	cmd.Stdout, cmd.Stderr = &w.out, &w.said
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if w.in, err = cmd.StdinPipe(); err == nil {
		w.out.stop = cancel
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		f.leave(who)
		return nil, err
	}
	go func() { // it gives its place back when it ends, not when somebody asks
		defer close(w.done)
		w.err = cmd.Wait()
		cancel()
		f.leave(who)
	}()
	_, _ = w.Write(append(first, '\n')) // fails when it has ended, of which Close tells
	return w, nil
}

// work is one process.
type work struct {
	visit context.Context
	log   *slog.Logger
	kind  string
	in    io.WriteCloser
	out   outlet
	said  said
	done  chan struct{} // closed when it has ended, with err
	err   error
}

func (w *work) Write(p []byte) (int, error) {
	n, err := w.in.Write(p)
	if errors.Is(err, os.ErrClosed) {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Close waits until all is written.
func (w *work) Close() error {
	_ = w.in.Close() // fails when it has ended before
	<-w.done
	exit, ok := errors.AsType[*exec.ExitError](w.err)
	switch {
	case w.err == nil:
		return nil
	case w.visit.Err() != nil:
		return w.visit.Err()
	case errors.Is(w.out.err, errUnread):
		return tooMuch(w.out.err)
	case w.out.err != nil: // nobody takes what it writes
		return w.out.err
	case ok && exit.ExitCode() == saidWhy:
		return &hub.Error{Code: hub.Invalid, Message: strings.TrimSpace(w.said.String())}
	case ok && ended(exit):
		return tooMuch(w.err)
	}
	err := fmt.Errorf("--%s in a process of its own: %w: %s", w.kind, w.err, strings.TrimSpace(w.said.String()))
	w.log.ErrorContext(w.visit, "an expression was not applied", "err", err)
	return err
}

// ended says whether the kernel ended a process that took more than it may, or Go
// did, whose status for that is 2.
func ended(exit *exec.ExitError) bool {
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && (exit.ExitCode() == 2 || status.Signaled() && (status.Signal() == unix.SIGKILL || status.Signal() == unix.SIGXCPU))
}

func tooMuch(err error) error {
	return hub.Wrap(err, hub.Invalid, "That takes more time or memory than --jq and --template have here. Ask for less, or give the output of --json to a program of your own, such as jq.")
}

// said is as much of what a process says as anybody reads.
type said struct{ strings.Builder }

func (s *said) Write(p []byte) (int, error) {
	if room := 4096 - s.Len(); room > 0 {
		s.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
