// Package lockfile keeps processes of one user out of each other's files.
package lockfile

import (
	"context"
	"os"
	"time"
)

// Lock takes the lock file at path, waiting until it is free or ctx ends, and
// returns what gives it back. The system gives it back too when the process dies.
func Lock(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		ok, err := tryLock(f)
		if ok {
			return func() { _ = f.Close() }, nil
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}
