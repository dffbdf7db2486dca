package server

import (
	"context"

	"github.com/cloudmastershub/cmh/labs"
)

// abilities are the labels of package scenario that sandboxes of driver give.
func abilities(ctx context.Context, cfg Config, driver labs.Driver) []string {
	can := []string{"linux"}
	if l, ok := driver.(labs.Linker); ok {
		if err := l.Linkable(); err == nil {
			can = append(can, "multi-host")
		} else {
			cfg.Log.InfoContext(ctx, "labs of several hosts can't run here", "why", err)
		}
	}
	return can
}
