package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/offline"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/doctor"
	"github.com/cloudmastershub/cmh/cmd/cmh/hubclient"
)

// look is what `cmh doctor` finds. What the settings decide can't be looked at
// without them.
func (m *machine) look(ctx context.Context) []doctor.Finding {
	env := m.env
	all := []doctor.Finding{{Check: "cmh", State: doctor.OK, Detail: fmt.Sprintf("%s, %s/%s", client.Version, runtime.GOOS, runtime.GOARCH)}}
	add := func(check, state, detail string) {
		all = append(all, doctor.Finding{Check: check, State: state, Detail: detail})
	}
	failed := func(check string, err error) { add(check, doctor.Problem, env.Message(err)) }
	if c, err := m.settings(); err != nil {
		failed("settings", err)
		for _, check := range []string{"profile", "server", "hub", "sign-in", "offline"} {
			add(check, doctor.Note, env.T("not looked at: the settings decide"))
		}
	} else {
		if c.Dir != "" {
			add("profile", doctor.OK, env.Tf("%s, in %s", c.Name, c.Dir))
		} else {
			add("profile", doctor.Note, c.Name+": "+env.T("nothing can be kept: there is no home folder"))
		}
		m.lookAtHub(ctx, c, add)
	}
	for _, p := range []struct{ program, purpose string }{{"cmh-format", env.T("lessons, --jq, --template")}, {"cmh-author", "author"}, {"ssh", "ssh, scp"}} {
		if p.program == "cmh-author" && runtime.GOOS != "linux" {
			continue // nowhere else is there a lab engine
		}
		if path, err := beside(p.program, p.purpose); err == nil {
			add(p.program, doctor.OK, path)
		} else {
			add(p.program, doctor.Note, env.Tf("not found: %s won't work", p.purpose))
		}
	}
	switch name := env.Var("TERM"); {
	case !env.OutTTY:
		add("terminal", doctor.Note, env.T("the output is no terminal"))
	case name == "" && runtime.GOOS == "windows": // consoles have no names
		add("terminal", doctor.OK, env.Tf("%s, %d columns", "console", env.Columns()))
	case name == "" || name == "dumb":
		add("terminal", doctor.Note, env.T("TERM says that it can draw nothing: no screens"))
	default:
		add("terminal", doctor.OK, env.Tf("%s, %d columns", name, env.Columns()))
	}
	return all
}

func beside(program, purpose string) (string, error) {
	if strings.HasPrefix(program, "cmh-") {
		return cli.Companion(program, purpose)
	}
	return exec.LookPath(program)
}

// lookAtHub asks the hub who it is, and who we are.
func (m *machine) lookAtHub(ctx context.Context, c config.Config, add func(check, state, detail string)) {
	env := m.env
	add("server", doctor.OK, c.Server)
	guest := hubclient.Guest(env, c)
	if env.WithoutHub() {
		add("hub", doctor.Note, env.T("offline, as you asked"))
	} else {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		begin := time.Now()
		if version, err := guest.ServerVersion(ctx); err != nil {
			add("hub", doctor.Problem, env.Message(err))
		} else {
			add("hub", doctor.OK, env.Tf("%s, answers in %d ms", version, time.Since(begin).Milliseconds()))
		}
	}
	place, err := offline.At(c.Apart(guest.BaseURL()), env.Var)
	if signedIn := m.lookAtSignIn(ctx, add); err != nil {
		add("offline", doctor.Note, env.T("nothing can be kept: there is no home folder"))
	} else if waiting, err := m.waiting(ctx, place, signedIn); err != nil {
		add("offline", doctor.Problem, env.Message(err))
	} else if waiting > 0 {
		add("offline", doctor.Note, env.N(waiting, "%d change waits for the hub: cmh sync", "%d changes wait for the hub: cmh sync", waiting))
	} else {
		add("offline", doctor.OK, env.T("nothing waits for the hub"))
	}
}

// lookAtSignIn reports whether it can be read whose machine this is.
func (m *machine) lookAtSignIn(ctx context.Context, add func(check, state, detail string)) bool {
	env := m.env
	_, _, err := m.sdk()
	source := ""
	if err == nil {
		source, err = m.Source()
	}
	if err == nil && source != "" {
		_, err = m.Token(ctx)
	}
	switch {
	case err != nil:
		add("sign-in", doctor.Problem, env.Message(err))
		return false
	case source == "":
		add("sign-in", doctor.Note, env.T(cli.LogInWith))
		return true
	}
	if u, err := m.hub.Profile(ctx); err != nil {
		add("sign-in", doctor.Problem, env.Message(err))
	} else {
		add("sign-in", doctor.OK, env.Tf("%s, from %s", u.Username, env.T(source)))
	}
	return true
}

// waiting counts what the hub hasn't heard of: of whoever is signed in, and of
// everybody who was where that can't be read.
func (m *machine) waiting(ctx context.Context, place offline.Place, signedIn bool) (int, error) {
	if !signedIn {
		return place.Waiting()
	}
	events, err := m.hub.Waiting(ctx)
	return len(events), err
}
