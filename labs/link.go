package labs

import (
	"context"
	"net/netip"
)

// A Linker is a Driver that can join its sandboxes, so that one lab may be
// several hosts. A driver that isn't one has sandboxes that stand alone.
type Linker interface {
	Driver

	// Linkable returns why sandboxes can't be joined on this host, or nil. It
	// may ask the kernel, so it is for asking once.
	Linkable() error

	// Link lays a line between two sandboxes, with one address at either end and
	// nobody else on it: neither the host nor any other sandbox, and no way
	// from one line to the next. What was laid between the two ends before is
	// replaced. The line goes with either sandbox. Link returns ErrNotFound when
	// one of them is unknown or dead.
	Link(ctx context.Context, a, b End) error
}

// An End of a line between two sandboxes.
type End struct {
	ID     string
	Device string // its name inside, at most 15 bytes
	Addr   netip.Addr
}
