package labs

import (
	"context"
	"time"
)

// Engine plays scenarios in sandboxes. It keeps nothing between calls: what a
// sandbox has been through is known to its agent and to the caller, who sees to
// it that one sandbox is asked one thing at a time.
type Engine struct {
	Driver Driver
	Limits Limits
	Image  string // for scenarios that name none; empty is the driver's default
}

// Destroy removes the sandbox with everything in it. An unknown id is not an
// error.
func (e *Engine) Destroy(ctx context.Context, id string) error { return e.Driver.Destroy(ctx, id) }

// List returns the ids of all sandboxes on this host, dead ones included.
func (e *Engine) List(ctx context.Context) ([]string, error) { return e.Driver.List(ctx) }

// abandon removes a sandbox whose maker has failed, and has perhaps gone away.
func (e *Engine) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = e.Driver.Destroy(ctx, id) // what cannot be removed now, List goes on showing
}
