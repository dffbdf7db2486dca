package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
)

// LabHost is the sandbox of one host of a session that the caller may enter, as
// LabSandbox says.
func (a *App) LabHost(ctx context.Context, session, host string) (string, error) {
	r, err := a.readLabRun(ctx, session)
	if err != nil {
		return "", err
	}
	sc, _, err := a.scenario(ctx, r)
	if err != nil {
		return "", err
	}
	n := labs.HostNumber(sc, host)
	if n == 0 {
		return "", hub.Errorf(hub.NotFound, "The lab has no host of that name.")
	}
	return labs.HostID(session, n), nil
}
