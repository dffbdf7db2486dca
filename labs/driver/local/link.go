package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/vishvananda/netns"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/driver/internal/wire"
)

var _ labs.Linker = (*Driver)(nil)

// Linkable is labs.Linker's.
func (d *Driver) Linkable() error { return wire.Possible() }

// Link is labs.Linker's.
func (d *Driver) Link(ctx context.Context, a, b labs.End) error {
	if !d.ids.root {
		return d.Linkable()
	}
	return wire.Join(ctx, a, b, d.network)
}

// network is the network namespace of a living sandbox.
func (d *Driver) network(id string) (netns.NsHandle, error) {
	if !place.ValidID(id) {
		return netns.None(), labs.ErrNotFound
	}
	rec, err := readRecord(d.dir(id))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !d.alive(rec) {
		return netns.None(), fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return netns.None(), err
	}
	ns, err := netns.GetFromPath("/proc/" + strconv.Itoa(rec.PID) + "/ns/net")
	if err != nil {
		return netns.None(), fmt.Errorf("%w: %s: %w", labs.ErrNotFound, id, err)
	}
	// The number may have become somebody else's while it was opened; the host's
	// own namespace, at worst.
	if !d.alive(rec) {
		ns.Close()
		return netns.None(), fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	return ns, nil
}
