package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/api"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/credential"
	"github.com/cloudmastershub/cmh/cmd/cmh/hubclient"
)

// machine is the learner's own: its settings, its sign-in, its programs.
// Everything is looked at when a command first needs it.
type machine struct {
	env    *cli.Env
	config *config.Config
	store  *credential.Store
	hub    *offline.Hub

	ctx    context.Context // the process's
	caught bool
	waits  bool  // somebody was told that what they did still waits
	news   *news // of a newer cmh
}

func (m *machine) settings() (config.Config, error) {
	if m.config == nil {
		c, err := config.Read(config.Dir(), m.flags())
		if err != nil {
			return config.Config{}, err
		}
		m.config = &c
	}
	return *m.config, nil
}

func (m *machine) flags() config.Flags {
	return config.Flags{Server: m.env.Server, Profile: m.env.Profile, Theme: m.env.Look}
}

// place is where the files of the profile in use are.
func (m *machine) place() (config.Place, error) {
	c, err := m.settings()
	return c.Place, err
}

// linear says whether the settings want lines of text.
func (m *machine) linear() bool {
	c, err := m.settings()
	return err == nil && c.Accessible
}

// language is the one that the settings name. Without settings nobody reads them
// for that: most commands need nothing else of them.
func (m *machine) language() string {
	c, err := m.settings()
	if err != nil {
		return "" // said by whoever needs more of them
	}
	return c.Language
}

// themed is the kind of terminal that the settings name.
func (m *machine) themed() string {
	c, err := m.settings()
	if err != nil {
		return "" // likewise
	}
	return c.Theme
}

// sdk is the connection to the hub, and where its sign-in is.
func (m *machine) sdk() (*client.Client, *credential.Store, error) {
	if m.hub != nil {
		return m.hub.Client, m.store, nil
	}
	c, err := m.settings()
	if err != nil {
		return nil, nil, err
	}
	m.hub, m.store = hubclient.OpenKept(m.env, c)
	return m.hub.Client, m.store, nil
}

func (m *machine) backend() (cli.Backend, error) {
	if _, _, err := m.sdk(); err != nil {
		return nil, err
	}
	m.listen(m.ctx)
	m.catch()
	return m.hub, nil
}

// catch tells the hub what waits for it before anything is asked: once for a
// command, and in a dialogue of many for each as long as something waits.
func (m *machine) catch() {
	if now, _ := m.hub.Standing(); m.caught && now.Waits == 0 {
		return
	}
	m.caught = true
	if _, err := m.hub.CatchSoon(m.ctx); err != nil && m.ctx.Err() == nil && !client.Unreachable(err) && !m.waits {
		m.waits = true
		m.env.Say("What you did offline still waits: %s", m.env.Message(err))
	}
}

// settle keeps a sign-in that the hub is just renewing, after everything was said:
// the one before is spent. Ctrl-C ends it.
func (m *machine) settle() {
	if m.hub != nil {
		m.hub.Settle(m.ctx)
	}
}

// asker is the hub for `cmh api`.
func (m *machine) asker() (api.Asker, error) {
	c, _, err := m.sdk()
	return c, err
}

// learning is the hub for `cmh sync`.
func (m *machine) learning() (*offline.Hub, error) {
	_, _, err := m.sdk()
	return m.hub, err
}

// CanKeep, KeepInFile, Remember, Server, Source and Token make machine an auth.Keeper.
func (m *machine) CanKeep() error {
	p, err := m.place()
	if err == nil && p.Dir == "" {
		err = config.ErrNoHome
	}
	return err
}

func (m *machine) KeepInFile() error {
	_, s, err := m.sdk()
	if err == nil {
		s.KeepInFile()
	}
	return err
}

func (m *machine) Remember() error { return config.Remember(config.Dir(), m.flags()) }

func (m *machine) Server() (string, error) {
	c, _, err := m.sdk()
	if err != nil {
		return "", err
	}
	return c.BaseURL(), nil
}

func (m *machine) Source() (string, error) {
	if m.env.Var("CMH_TOKEN") != "" {
		return "CMH_TOKEN", nil
	}
	_, s, err := m.sdk()
	if err != nil {
		return "", err
	}
	return s.Where()
}

func (m *machine) Token(ctx context.Context) (string, error) {
	if t := m.env.Var("CMH_TOKEN"); t != "" {
		return t, nil
	}
	_, s, err := m.sdk()
	if err != nil {
		return "", err
	}
	t, err := s.Load(ctx)
	return t.AccessToken, err
}

// page starts the learner's pager.
func (m *machine) page(ctx context.Context) (io.WriteCloser, error) {
	c, err := m.settings()
	if err != nil {
		return nil, err
	}
	command := c.Pager
	if command == "" {
		command = m.env.Var("PAGER")
	}
	if command == "" {
		command = "less -FRX"
	}
	if runtime.GOOS == "windows" || command == "cat" {
		return nil, hub.Errorf(hub.Unavailable, "There is no pager.")
	}
	// Ctrl-C is the pager's while it runs: it must not be killed by ours.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", command)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &pager{in, cmd}, nil
}

type pager struct {
	io.WriteCloser
	cmd *exec.Cmd
}

// Close waits until the reader has left.
func (p *pager) Close() error {
	_ = p.WriteCloser.Close()
	return p.cmd.Wait()
}
