package labs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/egress"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

const proxyURL = "http://" + proto.EgressAddr

// proxyEnv is how programs find the way out. Both spellings are in use.
var proxyEnv = map[string]string{
	"http_proxy": proxyURL, "https_proxy": proxyURL, "HTTP_PROXY": proxyURL, "HTTPS_PROXY": proxyURL,
	"no_proxy": noProxy, "NO_PROXY": noProxy,
}

// noProxy are the hosts of the lab itself.
const noProxy = "localhost,127.0.0.1,::1,172.30.0.0/16,172.30.1.2,172.30.2.2,172.30.3.2,172.30.4.2"

// goesOut reports whether the scenario is to have a way out here. The error is
// the operator's no.
func (e *Engine) goesOut(sc *scenario.Scenario) (egress.Rules, bool, error) {
	want, err := egress.Parse(sc.Egress)
	if err != nil {
		return nil, false, fmt.Errorf("read the scenario's egress: %w", err)
	}
	gate := e.Egress
	if gate == nil {
		gate = &egress.Gate{}
	}
	if err := gate.Permits(want); err != nil {
		return nil, false, err
	}
	asks := len(want) > 0 || slices.Contains(sc.Needs, "network") || slices.Contains(sc.Optional, "network")
	return want, asks && len(gate.Allowed) > 0, nil
}

// outEnv is the scenario's environment with the way out in it.
func outEnv(sc *scenario.Scenario) map[string]string {
	env := maps.Clone(proxyEnv)
	for _, names := range sc.HostNames() {
		for _, name := range names {
			env["no_proxy"] += "," + name
		}
	}
	env["NO_PROXY"] = env["no_proxy"]
	maps.Copy(env, sc.Env)
	return env
}

// openOut tells the programs of every host of the lab of its way out, and opens
// it.
func (e *Engine) openOut(ctx context.Context, id string, sc *scenario.Scenario) error {
	env := outEnv(sc)
	logins := ""
	for _, name := range slices.Sorted(maps.Keys(proxyEnv)) {
		logins += fmt.Sprintf("%s=%q\n", name, env[name])
	}
	files, err := archive([]file{
		{"etc/apt/apt.conf.d/90lab-egress", 0o644, fmt.Sprintf("Acquire::http::Proxy %q;\nAcquire::https::Proxy %q;\n", proxyURL, proxyURL)},
		{"etc/environment", 0o644, logins}, // of logins by su and ssh
	})
	if err != nil {
		return err
	}
	for n := 1; n <= len(sc.Hosts)+1; n++ {
		if err := e.inside(ctx, HostID(id, n), func(s *Sandbox) error { return s.Push(ctx, files) }); err != nil {
			return fmt.Errorf("tell %s of its way out: %w", HostID(id, n), err)
		}
	}
	return e.KeepOut(ctx, id, sc)
}

// OutKnown reports whether KeepOut has nothing to do for the sandbox.
func (e *Engine) OutKnown(id string) bool { return e.Egress == nil || e.Egress.Knows(id) }

// KeepOut opens the way out of a running lab where it is not open: after a
// restart of this process, say.
func (e *Engine) KeepOut(ctx context.Context, id string, sc *scenario.Scenario) error {
	if e.Egress == nil {
		return nil
	}
	want, out, err := e.goesOut(sc)
	if err != nil || !out {
		e.Egress.None(id) // it ran when the operator allowed more, perhaps
		return err
	}
	for n := len(sc.Hosts) + 1; n >= 1; n-- { // the first one's is what OutKnown asks for
		host := HostID(id, n)
		err := e.Egress.Open(ctx, host, want, func(ctx context.Context) (*ssh.Client, error) { return Connect(ctx, e.Driver, host) })
		if err != nil {
			return err
		}
	}
	return nil
}
