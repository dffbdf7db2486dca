package proof

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// A Stage is where one lab is played: sandboxes of an engine, or sessions of a
// hub. It is used by one play at a time.
type Stage interface {
	// Start begins the lab in a fresh sandbox; once it was played, from a
	// reset. It returns when a learner would be let in.
	Start(ctx context.Context) error

	// Open shows step n and returns when its set-up is over, or has had its
	// time.
	Open(ctx context.Context, n int) error

	// Check judges step n, which is open. A step without a check is Unverified.
	Check(ctx context.Context, n int) (labs.Verdict, error)

	// Answer answers a question of step n, both counted from 1.
	Answer(ctx context.Context, n, question int, answer []string) (right bool, err error)

	// Line is a connection on which terminals of a host, from 1, are opened.
	// When login is not empty, the terminal is another host's, and typing it
	// leads to the one that was asked for. ErrNotFound says that the lab has
	// no such host.
	Line(ctx context.Context, host int) (line *ssh.Client, login string, err error)

	// Run runs a command beside the learner, on the first host.
	Run(ctx context.Context, command string) (out []byte, status int, err error)

	// Sourcing is how many scripts the first terminal has yet to source; false
	// when that can't be known.
	Sourcing(ctx context.Context) (n int, known bool, err error)

	// Clear hangs up: what Line and Run are over. The lab stays.
	Clear()

	// End removes the lab. It may be called at any time.
	End(ctx context.Context) error
}

// Here are stages of an engine in this process.
func Here(e *labs.Engine) func(Subject) Stage {
	return func(s Subject) Stage { return &here{engine: e, id: newID(), sc: s.Scenario} }
}

type here struct {
	engine *labs.Engine
	id     string
	sc     *scenario.Scenario
	box    *labs.Sandbox
	lines  map[int]*ssh.Client
}

func (h *here) Start(ctx context.Context) error {
	if err := h.engine.Start(ctx, h.id, h.sc, h.sc.Assets); err != nil {
		return err
	}
	return h.settle(ctx, 0)
}

func (h *here) Open(ctx context.Context, n int) error {
	if err := h.engine.OpenStep(ctx, h.id, h.sc, n); err != nil {
		return err
	}
	return h.settle(ctx, n)
}

// settle waits until the background scripts of page n have ended, or go on for
// good.
func (h *here) settle(ctx context.Context, n int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		s, err := h.engine.Setup(ctx, h.id, n)
		if err != nil || s.Settled(time.Since(began)) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *here) Check(ctx context.Context, n int) (labs.Verdict, error) {
	return h.engine.Check(ctx, h.id, h.sc, n)
}

func (h *here) Answer(_ context.Context, n, question int, answer []string) (bool, error) {
	right, _, err := h.sc.Questions(n)[question-1].Mark(answer)
	return right, err
}

func (h *here) Line(ctx context.Context, host int) (*ssh.Client, string, error) {
	if c := h.lines[host]; c != nil {
		return c, "", nil
	}
	c, err := labs.Connect(ctx, h.engine.Driver, labs.HostID(h.id, host))
	if err != nil {
		return nil, "", err
	}
	if h.lines == nil {
		h.lines = map[int]*ssh.Client{}
	}
	h.lines[host] = c
	return c, "", nil
}

// inside is the platform's own line, for looking at what runs.
func (h *here) inside(ctx context.Context) (_ *labs.Sandbox, err error) {
	if h.box == nil {
		h.box, err = labs.Open(ctx, h.engine.Driver, h.id)
	}
	return h.box, err
}

func (h *here) Run(ctx context.Context, command string) ([]byte, int, error) {
	box, err := h.inside(ctx)
	if err != nil {
		return nil, 0, err
	}
	out, _, status, err := box.Run(ctx, command, nil)
	return out, status, err
}

func (h *here) Sourcing(ctx context.Context) (int, bool, error) {
	box, err := h.inside(ctx)
	if err != nil {
		return 0, true, err
	}
	hello, err := box.Hello(ctx)
	return hello.Sourcing, true, err
}

func (h *here) Clear() {
	for _, c := range h.lines {
		_ = c.Close()
	}
	h.lines = nil
	if h.box != nil {
		_ = h.box.Close()
		h.box = nil
	}
}

func (h *here) End(ctx context.Context) error { return h.engine.Destroy(ctx, h.id) }

// ErrGone is, or is wrapped by, what a Stage returns when the lab ended under
// the learner's hands: its own doing, and no reason to stop.
var ErrGone = errors.New("proof: the lab ended")

// gone reports whether err says so.
func gone(err error) bool {
	var refused *labs.AgentError
	return errors.Is(err, ErrGone) || errors.Is(err, labs.ErrNotFound) || errors.As(err, &refused)
}
