package labs

import (
	"context"
	"errors"
)

// Clear destroys every sandbox that d has on this host. It is for whoever is
// about to remove a driver's state: sandboxes outlive the process that made
// them, and nothing finds them without it.
func Clear(ctx context.Context, d Driver) error {
	ids, err := d.List(ctx)
	errs := []error{err}
	for _, id := range ids {
		errs = append(errs, d.Destroy(ctx, id))
	}
	return errors.Join(errs...)
}
