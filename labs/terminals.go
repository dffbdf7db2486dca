package labs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// HostNumber is the number of the host that name means in the scenario, from 1;
// 0 is none. The platforms' names will do, as well as the lab's own.
func HostNumber(sc *scenario.Scenario, name string) int {
	for i, names := range sc.HostNames() {
		if slices.Contains(names, strings.ToLower(name)) {
			return i + 1
		}
	}
	return 0
}

// LabOf is the lab whose host the sandbox is.
func LabOf(sandbox string) string {
	lab, _, _ := strings.Cut(sandbox, hostMark)
	return lab
}

// openTerminals types what the scenario's further terminals begin with, each on
// its host. Those without a command are made when somebody comes.
func (e *Engine) openTerminals(ctx context.Context, id string, sc *scenario.Scenario) error {
	for _, t := range sc.Terminals {
		n := 1
		if t.Host != "" {
			n = HostNumber(sc, t.Host)
		}
		name, command := t.Session(), strings.TrimSpace(t.Command)
		if name == "" || command == "" || n == 0 {
			continue
		}
		err := e.inside(ctx, HostID(id, n), func(s *Sandbox) error {
			return s.Type(ctx, proto.Typing{Terminal: name, Bytes: []byte(command + "\n")})
		})
		if err != nil {
			return fmt.Errorf("open the terminal %s: %w", name, err)
		}
	}
	return nil
}
