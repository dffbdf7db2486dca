package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/tui"
)

// open shows the screens until the learner quits.
func (m *machine) open(cmd *cobra.Command) error {
	c, _, err := m.sdk()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	err = tui.Run(ctx, c, tui.Options{
		Detach:  "ctrl+] d",
		Suspend: jobControl(),
		Shell: func(ctx context.Context, s hub.LabSession) tea.ExecCommand {
			return &shell{ctx: ctx, client: c, session: s.ID}
		},
	})
	switch {
	case errors.Is(err, tui.ErrInterrupted):
		return cli.StatusError(cli.ExitIntr)
	case ctx.Err() != nil: // by a signal: the terminal is as it was
		return ctx.Err()
	}
	return err
}

// shell is one visit to a lab's shell, in the middle of the screens.
type shell struct {
	ctx     context.Context
	client  *client.Client
	session string
	errOut  io.Writer
}

// Run gives the terminal to the lab. A shell that ends with a status other than
// 0 is no failure of ours.
func (s *shell) Run() error {
	certify := func(ctx context.Context, publicKey string) (hub.SSHCertificate, error) {
		return s.client.LabCertificate(ctx, s.session, publicKey)
	}
	say := func(text string) { _, _ = fmt.Fprintln(s.errOut, text) }
	say("Ctrl-] d comes back here; the lab goes on.")
	_, _, err := labssh.Local(s.ctx, certify, "", os.Stdin, os.Stdout, say)
	return err
}

func (s *shell) SetStdin(io.Reader)    {}
func (s *shell) SetStdout(io.Writer)   {}
func (s *shell) SetStderr(w io.Writer) { s.errOut = w }
