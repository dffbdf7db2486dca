package labs

import (
	"context"
	"fmt"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// serve starts the system services that the scenario takes for granted. Every
// other sandbox is spared their memory. An image without one goes on without.
func serve(ctx context.Context, s *Sandbox, sc *scenario.Scenario) error {
	for _, name := range sc.Services {
		script := fmt.Sprintf("[ ! -x /etc/init.d/%[1]s ] || /etc/init.d/%[1]s start\n", name)
		if err := s.Start(ctx, proto.Script{Name: "service-" + name, Source: []byte(script)}); err != nil {
			return fmt.Errorf("start the service %s: %w", name, err)
		}
	}
	return nil
}
