package labs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs/egress"
)

// Engine plays scenarios in sandboxes. It keeps nothing between calls, but for the
// open ways out of sandboxes, which KeepOut opens again elsewhere: what a
// sandbox has been through is known to its agent and to the caller, who sees to
// it that one sandbox is asked one thing at a time.
type Engine struct {
	Driver Driver

	// Maker makes sandboxes in Driver's place, of those that wait say; nil is
	// Driver itself. With one, waiting sandboxes are its own to look after.
	Maker interface {
		Create(ctx context.Context, spec Spec) error
	}

	Limits Limits
	Image  string       // for scenarios that name none; empty is the driver's default
	Egress *egress.Gate // nil: no lab has a way out
	Desk   *Desk        // nil: nobody inside can ask anything

	originals originals
}

// Destroy removes the sandbox with everything in it, and the other hosts of its
// lab. An unknown id is not an error.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	others, err := e.hosts(ctx, id)
	if err != nil {
		return err
	}
	for _, other := range append(others, id) {
		if e.Egress != nil {
			e.Egress.Close(other)
		}
		if err := e.Driver.Destroy(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// List returns the ids of all sandboxes on this host, dead ones included. A lab
// of several hosts is one of them.
func (e *Engine) List(ctx context.Context) ([]string, error) {
	all, err := e.Driver.List(ctx)
	if e.Maker != nil {
		all = slices.DeleteFunc(all, Waits)
	}
	for i, id := range all {
		all[i], _, _ = strings.Cut(id, hostMark)
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

func (e *Engine) create(ctx context.Context, spec Spec) error {
	if e.Maker != nil {
		return e.Maker.Create(ctx, spec)
	}
	return e.Driver.Create(ctx, spec)
}

// abandon removes a sandbox whose maker has failed, and has perhaps gone away.
func (e *Engine) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = e.Destroy(ctx, id) // what cannot be removed now, List goes on showing
}
