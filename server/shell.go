package server

import (
	"context"
	"errors"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/tui"
)

// shellOn opens labs' shells on the terminal that the screens are on. It takes
// the terminal when it is asked, before the program stops reading: so that
// stops at once, and what is typed ahead reaches the lab.
func shellOn(t *terminal, a *app.App, as app.Actor, driver labs.Driver) tui.Shell {
	if driver == nil {
		return nil
	}
	return func(ctx context.Context, s hub.LabSession) tea.ExecCommand {
		return &shell{ctx: ctx, terminal: t, keys: t.lend(), app: a, as: as, driver: driver, session: s.ID}
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
}

// Run gives the terminal to the lab until the learner detaches or the shell
// ends. A status other than 0 is no failure of ours.
func (s *shell) Run() error {
	defer s.terminal.giveBack()
	out := gateway.Raw(s.terminal)
	if _, err := io.WriteString(out, "Ctrl-] d comes back here; the lab goes on.\r\n"); err != nil {
		return err
	}
	id, err := s.as.LabSandbox(s.ctx, s.session)
	if err != nil {
		return err
	}
	agent, err := labs.Connect(s.ctx, s.driver, id)
	if err != nil {
		return hub.Wrap(err, hub.Unavailable, "The lab could not be reached. Please try again in a moment.")
	}
	defer agent.Close()
	if err := s.app.LabAttached(s.ctx, id); err != nil {
		return errors.Join(err, s.app.LabDetached(s.ctx, id))
	}
	columns, rows := s.terminal.size()
	rec, notice, err := s.app.Recorder(s.ctx, id, s.terminal.pty.Term, columns, rows)
	if err != nil {
		notice = "This shell could not be recorded."
	}
	if notice != "" {
		_, _ = io.WriteString(out, notice+"\r\n")
	}
	if rec != nil {
		defer rec.Close()
		out = io.MultiWriter(out, rec)
	}
	_, _, err = labssh.On(s.ctx, agent, labssh.Terminal{
		In: s.keys, Out: out, Name: s.terminal.pty.Term, Size: s.terminal.size, Resized: s.terminal.resized,
	})
	if detached := s.app.LabDetached(s.ctx, id); err == nil {
		err = detached
	}
	if errors.Is(err, labssh.ErrLost) {
		return s.whyLost(err)
	}
	return err
}

// whyLost asks the rules what became of the lab: mostly, its time was up.
func (s *shell) whyLost(err error) error {
	if _, ended := s.as.LabSandbox(s.ctx, s.session); ended != nil {
		return ended
	}
	return hub.Wrap(err, hub.Unavailable, "The connection to the lab was lost. Open the shell again.")
}

// The session's own streams are used.
func (s *shell) SetStdin(io.Reader)  {}
func (s *shell) SetStdout(io.Writer) {}
func (s *shell) SetStderr(io.Writer) {}
