//go:build !linux

package prove

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
)

// open has nothing to make sandboxes from.
func open(context.Context, host) (*labs.Engine, func(), error) {
	return nil, nil, hub.Errorf(hub.Invalid, "Labs are tested on Linux: in a virtual machine, a container with user namespaces, or your CI.")
}
