package docker

import "context"

// StateKey is what the engine's things of that state folder are marked with.
var StateKey = stateKey

// Bounds asks the engine of d whether it bounds files.
func Bounds(ctx context.Context, d *Driver) bool { return d.bounds(ctx) }
