package server

import (
	"context"

	"github.com/cloudmastershub/cmh/labs"
)

// abilities are the labels of package scenario that sandboxes of driver give.
func abilities(ctx context.Context, cfg Config, driver labs.Driver) []string {
	can, why := labs.Abilities(driver)
	if why != nil {
		cfg.Log.InfoContext(ctx, "labs of several hosts can't run here", "why", why)
	}
	return can
}
