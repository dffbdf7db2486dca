package lab

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// tellShort says when less of today's time is left than a lab asks for. Whoever
// may not read that, or can't, works without knowing it.
func tellShort(ctx context.Context, env *cli.Env, b cli.Backend, s hub.LabSession) {
	if env.Quiet {
		return
	}
	u, err := b.Usage(ctx)
	if err != nil || u.LabMinutes.Remaining == nil {
		return
	}
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return
	}
	if left, short := u.ShortFor(l); short {
		env.Say("%s", env.N(left, "You have %d of today's %d lab minutes left, so this lab ends at %s at the latest: cmh profile usage",
			"You have %d of today's %d lab minutes left, so this lab ends at %s at the latest: cmh profile usage",
			left, u.LabMinutes.Limit, env.Words().When(s.ExtendableUntil.Local(), "15:04")))
	}
}
