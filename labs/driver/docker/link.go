package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/vishvananda/netns"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/driver/internal/wire"
)

var _ labs.Linker = (*Driver)(nil)

// Linkable is labs.Linker's. The lines are ours and not the engine's: a network
// of an engine's, also one that is called internal, has the host on it.
func (d *Driver) Linkable() error {
	if d.about.apart {
		return errors.New("sandboxes can be joined where the engine is on this machine")
	}
	return wire.Possible()
}

// Link is labs.Linker's.
func (d *Driver) Link(ctx context.Context, a, b labs.End) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.about.apart {
		return d.Linkable()
	}
	return wire.Join(ctx, a, b, func(id string) (netns.NsHandle, error) { return d.network(ctx, id) })
}

// furnish gives a sandbox a network to look at, which leads nowhere. Where none
// can be made, for want of root say, there is loopback alone.
func (d *Driver) furnish(ctx context.Context, id string) {
	if ns, err := d.network(ctx, id); err == nil {
		_ = wire.Furnish(ns)
		ns.Close()
	}
}

// network is the network namespace of a living sandbox.
func (d *Driver) network(ctx context.Context, id string) (netns.NsHandle, error) {
	pid, err := d.first(ctx, id)
	if err != nil {
		return netns.None(), err
	}
	ns, err := netns.GetFromPath("/proc/" + strconv.Itoa(pid) + "/ns/net")
	if err != nil {
		return netns.None(), fmt.Errorf("%w: %s: %w", labs.ErrNotFound, id, err)
	}
	// The number may have become somebody else's while it was opened; a process of
	// the host's, at worst.
	if again, err := d.first(ctx, id); err != nil || again != pid {
		ns.Close()
		return netns.None(), errors.Join(fmt.Errorf("%w: %s", labs.ErrNotFound, id), err)
	}
	return ns, nil
}

// first is the number of a living sandbox's process 1 on this machine.
func (d *Driver) first(ctx context.Context, id string) (int, error) {
	if !place.ValidID(id) {
		return 0, labs.ErrNotFound
	}
	got, err := d.engine.ContainerInspect(ctx, d.container(id), client.ContainerInspectOptions{})
	if cerrdefs.IsNotFound(err) || err == nil && (got.Container.State == nil || !got.Container.State.Running || got.Container.State.Pid <= 0) {
		return 0, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", id, err)
	}
	return got.Container.State.Pid, nil
}
