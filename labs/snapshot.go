package labs

import (
	"context"
	"errors"
	"time"
)

// Errors of a Keeper, and of Create with Spec.From.
var (
	ErrKeepsNothing = errors.New("labs: this host keeps no checkpoints")
	ErrNoSnapshot   = errors.New("labs: no such snapshot")
)

// A Snapshot is the files of a sandbox as they were at one moment. What ran is
// not in it, nor what lay in memory only (/run, /dev/shm).
type Snapshot struct {
	Name    string        `json:"name"`
	Sandbox string        `json:"sandbox"`
	Image   string        `json:"image"` // digest of what the files lie above
	Bytes   int64         `json:"bytes"` // what it takes of the host's disk
	Created time.Time     `json:"created"`
	Frozen  time.Duration `json:"frozen"` // how long the sandbox could not write
}

// A Keeper is a Driver that can keep the files of its sandboxes and make new
// ones of them: see Spec.From. Snapshots outlive sandboxes and processes.
// drivertest.Run holds every Keeper to this comment.
type Keeper interface {
	// Keeps is nil, or an ErrKeepsNothing that says what this host lacks.
	Keeps() error

	// Snapshot keeps the files of sandbox id, dead or alive, under a name that
	// is as free as an id may be. The sandbox goes on, and its writers wait for
	// a moment. When it fails there is no such snapshot.
	Snapshot(ctx context.Context, id, name string) (Snapshot, error)

	// Snapshots returns all of this host, damaged ones included, so that a
	// caller can remove what it does not own.
	Snapshots(ctx context.Context) ([]Snapshot, error)

	// RemoveSnapshot forgets one. An unknown name is not an error, and sandboxes
	// made of it go on.
	RemoveSnapshot(ctx context.Context, name string) error
}

// KeeperOf is d as a Keeper, where it and this host can be one.
func KeeperOf(d Driver) (Keeper, error) {
	k, ok := d.(Keeper)
	if !ok {
		return nil, ErrKeepsNothing
	}
	return k, k.Keeps()
}
