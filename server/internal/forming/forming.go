// Package forming does what --jq and --template ask for of those who come over SSH.
// Both are programs of theirs, which may work without end or fill all memory there
// is, so each runs in a process of its own that the kernel bounds: a visitor takes
// from nobody but themselves. What they may ask, its callers decide.
package forming

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client/hub"
)

// How many may be at work: all together, and for one account. Those who have none
// are one.
const (
	most    = 32
	mostOne = 4
	longest = 16 << 10 // bytes of an expression
)

// Forms starts processes. A nil one starts none.
type Forms struct {
	path string
	argv []string

	mu  sync.Mutex
	all int
	of  map[string]int
}

// New returns one that starts the program at path, which calls Serve, with argv.
func New(path string, argv ...string) *Forms {
	return &Forms{path: path, argv: argv, of: map[string]int{}}
}

// Start begins to put JSON values into the form that an expression asks for, for the
// account who. Closing what it returns waits for the last one, and tells what was
// wrong. The process ends with ctx, and soon after this one.
func (f *Forms) Start(ctx context.Context, who, kind, expr string, out io.Writer) (io.WriteCloser, error) {
	if len(expr) > longest {
		return nil, hub.Errorf(hub.Invalid, "--%s takes at most %d bytes here.", kind, longest)
	}
	first, err := json.Marshal(order{kind, expr})
	if err != nil {
		return nil, err
	}
	if !f.enter(who) {
		return nil, hub.Errorf(hub.Limit, "Too many are using --jq and --template at once. Try again in a moment, or use --json.")
	}
	w := &work{forms: f, who: who, cmd: exec.CommandContext(ctx, f.path)}
	w.cmd.Args, w.cmd.Env, w.cmd.Dir = f.argv, []string{}, "/"
	w.cmd.Stdout, w.cmd.Stderr = out, &w.said
	w.cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if w.WriteCloser, err = w.cmd.StdinPipe(); err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		f.leave(who)
		return nil, err
	}
	_, _ = w.Write(append(first, '\n')) // fails when it has ended, of which Close tells
	return w, nil
}

func (f *Forms) enter(who string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all >= most || f.of[who] >= mostOne {
		return false
	}
	f.all++
	f.of[who]++
	return true
}

func (f *Forms) leave(who string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all--
	if f.of[who]--; f.of[who] == 0 {
		delete(f.of, who)
	}
}

// work is one process.
type work struct {
	io.WriteCloser
	forms *Forms
	who   string
	cmd   *exec.Cmd
	said  said
}

// Close waits until all is written.
func (w *work) Close() error {
	_ = w.WriteCloser.Close() // fails when it has ended before
	err := w.cmd.Wait()
	w.forms.leave(w.who)
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case !ok: // nil, or nobody takes what it writes
		return err
	case exit.ExitCode() == saidWhy:
		return &hub.Error{Code: hub.Invalid, Message: strings.TrimSpace(w.said.String())}
	}
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
