package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// open shows the screens until the learner quits.
func (m *machine) open(cmd *cobra.Command) error {
	c, _, err := m.sdk()
	if err != nil {
		return err
	}
	prefix, err := lab.PrefixKey(m.env.Var("CMH_PREFIX"))
	if err != nil {
		return err
	}
	m.listen(m.ctx)
	ctx, cancel := context.WithCancel(cmd.Context())
	said := m.hub.Tend(ctx)
	defer func() {
		cancel()
		for _, s := range said() {
			m.env.Say("%s", s)
		}
	}()
	err = tui.Run(ctx, m.hub, tui.Options{
		Detach:   "ctrl+] d",
		Words:    m.env.Words(),
		Pages:    m.env.Pages,
		Settings: store{config.Dir(), m.flags()},
		On:       theme.Named(m.env.Theme()),
		Suspend:  jobControl(),
		Shell: func(ctx context.Context, s hub.LabSession, l theme.Look) func() error {
			return (&shell{ctx: ctx, client: c, session: s.ID, prefix: prefix, mono: !m.env.Colour(), look: l, words: m.env.Words(), pages: m.env.Pages}).run
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

// desk shows a lab's text and its shell on this process's own terminal.
func desk(ctx context.Context, api split.Backend, o split.Options, certify lab.CertifyAt) (status int, detached bool, err error) {
	t, restore, err := labssh.Own(os.Stdin, os.Stdout)
	if err != nil {
		return 0, false, err
	}
	defer restore()
	var forwards sync.WaitGroup
	defer forwards.Wait()
	o.Files = func(ctx context.Context) (split.Files, error) { return labssh.OpenFiles(ctx, certify("")) }
	o.Forward = func(ctx context.Context, host string, port int, say func(string)) (string, error) {
		forwards.Add(1)
		return lab.Forward(ctx, certify(host), port, say, forwards.Done)
	}
	return split.Run(ctx, t, api, o, func(ctx context.Context, t labssh.Terminal, host string) (int, bool, error) {
		return labssh.Attach(ctx, certify(host), t)
	})
}

// shell is one visit to a lab, in the middle of the screens.
type shell struct {
	ctx     context.Context
	client  *client.Client
	session string
	prefix  byte
	mono    bool
	look    theme.Look
	words   words.Speaker
	pages   markdown.Drawer
}

// run gives the terminal to the lab. A shell that ends with a status other than
// 0 is no failure of ours.
func (s *shell) run() error {
	_, _, err := desk(s.ctx, s.client, split.Options{Session: s.session, Prefix: s.prefix, Mono: s.mono, Look: s.look, Words: s.words, Pages: s.pages}, lab.Hosts(s.client, s.session))
	return err
}
