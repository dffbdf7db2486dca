package labs

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Engine plays scenarios in sandboxes. It keeps nothing between calls: what a
// sandbox has been through is known to its agent and to the caller, who sees to
// it that one sandbox is asked one thing at a time.
type Engine struct {
	Driver Driver
	Limits Limits
	Image  string // for scenarios that name none; empty is the driver's default

	originals originals
}

// Destroy removes the sandbox with everything in it, and the other hosts of its
// lab. An unknown id is not an error.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	others, err := e.hosts(ctx, id)
	if err != nil {
		return err
	}
	for _, other := range others {
		if err := e.Driver.Destroy(ctx, other); err != nil {
			return err
		}
	}
	return e.Driver.Destroy(ctx, id)
}

// List returns the ids of all sandboxes on this host, dead ones included. A lab
// of several hosts is one of them.
func (e *Engine) List(ctx context.Context) ([]string, error) {
	all, err := e.Driver.List(ctx)
	for i, id := range all {
		all[i], _, _ = strings.Cut(id, hostMark)
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// abandon removes a sandbox whose maker has failed, and has perhaps gone away.
func (e *Engine) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = e.Destroy(ctx, id) // what cannot be removed now, List goes on showing
}
