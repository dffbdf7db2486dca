package server

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/charmbracelet/colorprofile"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// shellOn opens labs' shells on the terminal that the screens are on. It takes
// the terminal when it is asked, before the program stops reading: so that
// stops at once, and what is typed ahead reaches the lab.
func shellOn(t *terminal, a *app.App, as app.Actor, driver labs.Driver) tui.Shell {
	if driver == nil {
		return nil
	}
	return func(ctx context.Context, s hub.LabSession, l theme.Look) func() error {
		return (&shell{ctx: ctx, terminal: t, keys: t.lend(), app: a, as: as, driver: driver, session: s.ID, look: l}).run
	}
}

// shell is one visit to a lab's shell, in the middle of the screens.
type shell struct {
	ctx      context.Context
	terminal *terminal
	keys     io.Reader
	app      *app.App
	as       app.Actor
	driver   labs.Driver
	session  string
	look     theme.Look
}

// run gives the terminal to the lab until the learner detaches or the shell
// ends. A status other than 0 is no failure of ours.
func (s *shell) run() error {
	_, _, err := s.work(split.Options{Session: s.session, Look: s.look, Mono: s.look.Colours <= colorprofile.ASCII, Words: speaker(s.terminal.Session), Pages: draw.Outline})
	return err
}

// work shows the lab's text and its shell.
func (s *shell) work(o split.Options) (status int, detached bool, err error) {
	defer s.terminal.giveBack()
	t := labssh.Terminal{In: s.keys, Out: gateway.Raw(s.terminal), Name: s.terminal.pty.Term, Size: s.terminal.size, Resized: s.terminal.resized[1]}
	o.Files = s.files
	return split.Run(s.ctx, t, s.as, o, s.attach)
}

// files opens the lab's files for the blocks that are written to them.
func (s *shell) files(ctx context.Context) (split.Files, error) {
	id, err := s.as.LabSandbox(ctx, s.session)
	if err != nil {
		return nil, err
	}
	agent, err := labs.Connect(ctx, s.driver, id)
	if err != nil {
		return nil, hub.Wrap(err, hub.Unavailable, "The lab could not be reached. Please try again in a moment.")
	}
	return labssh.FilesOn(ctx, agent)
}

// attach gives t the lab's shell, and again when the connection breaks while
// the lab goes on: a reset puts another sandbox in its place.
func (s *shell) attach(ctx context.Context, t labssh.Terminal, host string) (status int, detached bool, err error) {
	keys := newRelay(t.In)
	for tries := 1; ; tries++ {
		began := time.Now()
		in := keys.next()
		t.In = in
		status, detached, err = s.once(ctx, t, host)
		_ = in.Close()
		if !errors.Is(err, labssh.ErrLost) {
			return status, detached, err
		}
		if time.Since(began) > settledIn {
			tries = 1
		}
		if err = s.whyLost(err); hub.CodeOf(err) != hub.Unavailable || tries >= enoughTries {
			return status, detached, err
		}
		t.Say("The connection to the lab was lost. Connecting again …")
		pause := time.NewTimer(time.Duration(tries) * betweenTries)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return status, detached, err
		}
	}
}

// How often, and how soon, to connect again to a lab that goes on. A connection
// that lasted begins the count anew.
const (
	enoughTries  = 8
	betweenTries = 100 * time.Millisecond
	settledIn    = 10 * time.Second
)

// once is one connection, to the lab's host of that name or to the first.
func (s *shell) once(ctx context.Context, t labssh.Terminal, host string) (status int, detached bool, err error) {
	id, err := s.as.LabSandbox(ctx, s.session)
	if err != nil {
		return 0, false, err
	}
	sandbox := id
	if host != "" {
		if sandbox, err = s.app.LabHost(ctx, id, host); err != nil {
			return 0, false, err
		}
	}
	agent, err := labs.Connect(ctx, s.driver, sandbox)
	if err != nil {
		return 0, false, hub.Wrap(err, hub.Unavailable, "The lab could not be reached. Please try again in a moment.")
	}
	defer agent.Close()
	if err := s.app.LabAttached(ctx, id); err != nil {
		return 0, false, errors.Join(err, s.app.LabDetached(ctx, id))
	}
	columns, rows := t.Size()
	rec, notice, err := s.app.Recorder(ctx, id, t.Name, columns, rows)
	if err != nil {
		notice = words.Kept("This shell could not be recorded.")
	}
	if notice != "" {
		t.Say(notice)
	}
	if rec != nil {
		defer rec.Close()
		t.Out = io.MultiWriter(t.Out, rec)
	}
	status, detached, err = labssh.On(ctx, agent, t)
	if gone := s.app.LabDetached(ctx, id); err == nil {
		err = gone
	}
	return status, detached, err
}

// A relay passes what is typed on to one connection after another. Each leaves
// somebody reading behind, who must not have the next one's keys.
type relay struct {
	mu  sync.Mutex
	now *io.PipeWriter
}

func newRelay(from io.Reader) *relay {
	_, nobody := io.Pipe()
	_ = nobody.Close()
	r := &relay{now: nobody}
	go r.pass(from) // ends with the input
	return r
}

func (r *relay) next() *io.PipeReader {
	in, now := io.Pipe()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = now
	return in
}

func (r *relay) to() *io.PipeWriter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *relay) pass(from io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_, _ = r.to().Write(buf[:n]) // lost when nothing is connected
		}
		if err != nil {
			_ = r.to().Close()
			return
		}
	}
}

// whyLost asks the rules what became of the lab: mostly, its time was up.
func (s *shell) whyLost(err error) error {
	if _, ended := s.as.LabSandbox(s.ctx, s.session); ended != nil {
		return ended
	}
	return hub.Wrap(err, hub.Unavailable, "The connection to the lab was lost. Open the shell again.")
}
