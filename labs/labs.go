// Package labs runs hands-on sandboxes. It knows images, limits, scenarios'
// scripts and the agent inside; it does not know courses, users or HTTP.
//
// A Driver makes and removes sandboxes on one kind of host. Everything that
// happens inside one (terminals, commands, files, checks) is the agent's, and
// is reached over the connection that Driver.Dial returns: see Sandbox.
package labs

import (
	"context"
	"errors"
	"net"
)

// Spec is everything a driver needs to build one sandbox.
type Spec struct {
	ID       string // [a-z0-9-]{1,40}, chosen by the caller; also the idempotency key
	Image    string // name of an installed image; empty means the default one
	Hostname string // empty means "lab"
	Env      map[string]string
	Limits   Limits

	// From names a Snapshot that the sandbox begins with, image included, on
	// drivers that are Keepers; Image is not looked at then.
	From string

	// AllowSetuid lets setuid programs such as sudo work inside, by leaving
	// no_new_privs off. The user namespace still holds.
	AllowSetuid bool
}

// Limits bound what one sandbox may use. A zero field takes the default
// written beside it.
type Limits struct {
	MemoryBytes int64   // 512 MiB, swap included
	Pids        int     // 256
	CPUs        float64 // 1
	DiskBytes   int64   // 1 GiB of writable files
	Inodes      int64   // 65536
	OpenFiles   int     // 4096, per process
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.MemoryBytes, 512<<20)
	def(&l.DiskBytes, 1<<30)
	def(&l.Inodes, 65536)
	if l.Pids == 0 {
		l.Pids = 256
	}
	if l.CPUs == 0 {
		l.CPUs = 1
	}
	if l.OpenFiles == 0 {
		l.OpenFiles = 4096
	}
	return l
}

// Errors a driver returns, possibly wrapped.
var (
	ErrNotFound = errors.New("labs: no such sandbox")
	ErrCapacity = errors.New("labs: no capacity")   // a later try may work
	ErrNoImage  = errors.New("labs: no such image") // Create only
)

// A Driver makes and destroys sandboxes on one kind of host.
//
// Every method honours ctx and may be called from several goroutines. Create
// and Destroy are idempotent: calling them twice with one ID leaves the host
// as calling them once. A sandbox outlives the process that created it: a
// Driver opened later on the same state lists, dials and destroys it.
// drivertest.Run holds every driver to this comment.
type Driver interface {
	// Create returns once the agent inside accepts connections. When it
	// fails, nothing of the sandbox is left.
	Create(ctx context.Context, spec Spec) error

	// Dial connects to the agent inside, which speaks SSH (package
	// labs/agent/proto). It returns ErrNotFound for an unknown or dead
	// sandbox.
	Dial(ctx context.Context, id string) (net.Conn, error)

	// Destroy kills every process of the sandbox and removes everything it
	// wrote. An unknown ID is not an error.
	Destroy(ctx context.Context, id string) error

	// List returns the IDs of the sandboxes that exist on this host, dead
	// ones included, so that a caller can destroy what it does not own.
	List(ctx context.Context) ([]string, error)
}
