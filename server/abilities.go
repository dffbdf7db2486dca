package server

import (
	"context"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/egress"
)

// abilities are the labels of package scenario that sandboxes of e give.
func abilities(ctx context.Context, cfg Config, e *labs.Engine) []string {
	can, why := labs.Abilities(e.Driver)
	if why != nil {
		cfg.Log.InfoContext(ctx, "labs of several hosts can't run here", "why", why)
	}
	if e.Egress != nil {
		can = append(can, "network")
	}
	return can
}

// wayOut is what the operator lets labs reach, or nil.
func wayOut(cfg Config) (*egress.Gate, error) {
	list := strings.FieldsFunc(cfg.LabEgress, func(r rune) bool { return r == ',' || r == ' ' })
	if len(list) == 0 {
		return nil, nil
	}
	allowed, err := egress.Parse(list)
	if err != nil {
		return nil, hub.Wrap(err, hub.Invalid, "lab-egress: %s", err)
	}
	return &egress.Gate{Allowed: allowed, Log: cfg.Log}, nil
}
