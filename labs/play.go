package labs

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// Preparing is how long checks wait for set-up that has not ended. Some set-up
// scripts watch over the whole session, so nobody may wait for them for ever.
const Preparing = 10 * time.Second

// terminal is the one that foreground scripts are typed into.
const terminal = "main"

// Start makes the sandbox id and begins the scenario in it: its assets are in
// place, its intro's background scripts run, and its intro's foreground scripts
// were typed. What an earlier, unfinished Start of the same id left is removed
// first. When it fails nothing is left.
func (e *Engine) Start(ctx context.Context, id string, sc *scenario.Scenario, assets []byte) (err error) {
	spec := Spec{ID: id, Image: cmp.Or(sc.Image, e.Image), Hostname: sc.Hostname, Env: sc.Env, Limits: e.Limits, AllowSetuid: sc.Setuid}
	if err := e.assemble(ctx, spec, sc); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.abandon(ctx, id)
		}
	}()
	if err := e.pushToHosts(ctx, id, sc); err != nil {
		return err
	}
	return e.inside(ctx, id, func(s *Sandbox) error {
		if len(assets) > 0 {
			if err := s.Push(ctx, assets); err != nil {
				return fmt.Errorf("push the assets: %w", err)
			}
		}
		if setsUp(sc) {
			if err := s.Remember(ctx, nil); err != nil {
				return err
			}
		}
		if err := login(ctx, s, sc); err != nil {
			return err
		}
		if err := serve(ctx, s, sc); err != nil {
			return err
		}
		if err := open(ctx, s, pageName(0), sc.Intro); err != nil {
			return err
		}
		return e.openTerminals(ctx, id, sc)
	})
}

// assemble makes the sandboxes that the scenario needs, the first one as spec
// says, in place of those that are there. When it fails nothing is left.
func (e *Engine) assemble(ctx context.Context, spec Spec, sc *scenario.Scenario) (err error) {
	_, out, err := e.goesOut(sc)
	if err != nil {
		return err
	}
	if err := e.Destroy(ctx, spec.ID); err != nil {
		return err
	}
	if out {
		spec.Env = outEnv(sc)
	}
	if err := e.create(ctx, spec); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.abandon(ctx, spec.ID)
		}
	}()
	if len(sc.Hosts) > 0 {
		if err := e.addHosts(ctx, spec, sc); err != nil {
			return err
		}
	}
	if out {
		return e.openOut(ctx, spec.ID, sc)
	}
	return nil
}

// login makes the learner the user that the scenario wants, which is root
// unless it says so. A user that is not there is made, as far as the image has
// the programs for it: a number alone will do too.
func login(ctx context.Context, s *Sandbox, sc *scenario.Scenario) error {
	if sc.User == 0 && sc.WorkDir == "" {
		return nil
	}
	if sc.User != 0 {
		add := fmt.Sprintf(`getent group %[2]d || groupadd --gid %[2]d learners
getent passwd %[1]d || useradd --create-home --shell /bin/bash --uid %[1]d --gid %[2]d learner`, sc.User, cmp.Or(sc.Group, sc.User))
		if _, _, _, err := s.Run(ctx, add, nil); err != nil {
			return fmt.Errorf("make the learner's account: %w", err)
		}
	}
	if err := s.Login(ctx, proto.Learner{UID: sc.User, GID: sc.Group, Dir: sc.WorkDir, Env: sc.Env}); err != nil {
		return fmt.Errorf("log the learner in: %w", err)
	}
	return nil
}

// Setup is how the set-up of a page is doing.
type Setup struct {
	Running bool
	Failed  bool // a script ended with a status other than 0
}

// Settled reports whether a learner may be checked, when set-up began a while
// ago: what still runs after Preparing is not waited for.
func (s Setup) Settled(ago time.Duration) bool { return !s.Running || ago >= Preparing }

// Setup asks after the background scripts of step n; 0 is the intro.
func (e *Engine) Setup(ctx context.Context, id string, n int) (setup Setup, err error) {
	err = e.inside(ctx, id, func(s *Sandbox) error {
		scripts, err := s.Scripts(ctx)
		for _, sc := range scripts {
			if strings.HasPrefix(sc.Name, pageName(n)+"-") {
				setup.Running = setup.Running || sc.Running
				setup.Failed = setup.Failed || (!sc.Running && sc.Exit != 0)
			}
		}
		return err
	})
	return setup, err
}

// OpenStep runs what a scenario does when step n is shown for the first time.
// It is for the caller to know whether it is the first. The step after the last
// one is the finish page.
func (e *Engine) OpenStep(ctx context.Context, id string, sc *scenario.Scenario, n int) error {
	page := sc.Finish
	if n <= len(sc.Steps) {
		page = sc.Steps[n-1].Page
	}
	quiet := len(page.Background) == 0 && len(page.Foreground) == 0
	if quiet && n > 1 {
		return nil
	}
	return e.inside(ctx, id, func(s *Sandbox) error {
		if n == 1 { // the intro's set-up is over, and no learner was let in
			if err := e.remember(ctx, s, id, sc); err != nil {
				return err
			}
		}
		if quiet {
			return nil
		}
		return open(ctx, s, pageName(n), page)
	})
}

// Alive returns ErrNotFound when there is no living sandbox id, or one of its
// other hosts has died.
func (e *Engine) Alive(ctx context.Context, id string) error {
	all, err := e.hosts(ctx, id)
	if err != nil {
		return err
	}
	for _, host := range append(all, id) {
		err := e.inside(ctx, host, func(s *Sandbox) error {
			_, err := s.Hello(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) inside(ctx context.Context, id string, do func(*Sandbox) error) error {
	s, err := Open(ctx, e.Driver, id)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// pageName begins the names of a page's scripts.
func pageName(n int) string {
	if n == 0 {
		return "intro"
	}
	return fmt.Sprintf("step%d", n)
}

// open starts the background scripts of a page, and then types its foreground
// ones. It doesn't wait for the former: many of the latter are the loop that
// waits, and some of the former wait for what the latter make.
func open(ctx context.Context, s *Sandbox, name string, page scenario.Page) error {
	for i, script := range page.Background {
		err := s.Start(ctx, proto.Script{Name: fmt.Sprintf("%s-%d", name, i+1), Source: script.Source})
		if err != nil {
			return fmt.Errorf("start the set-up: %w", err)
		}
	}
	for _, script := range page.Foreground {
		if err := s.Type(ctx, proto.Typing{Terminal: terminal, Source: script.Source}); err != nil {
			return fmt.Errorf("type the set-up: %w", err)
		}
	}
	return nil
}
