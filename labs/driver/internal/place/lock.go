package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Lock is the right to change a sandbox, held against goroutines and
// processes alike. The kernel drops a dead holder's.
type Lock struct {
	Path string
	f    *os.File
}

// Release gives the lock back.
func (l *Lock) Release() { l.f.Close() }

// ErrBusy says that somebody else holds the lock.
var ErrBusy = errors.New("labs: sandbox is being changed by somebody else")

// TryTake returns ErrBusy instead of waiting.
func TryTake(path string) (*Lock, error) {
	f, err := folder(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
		f.Close() // destroyed, and perhaps made anew, while we came
		return nil, ErrBusy
	}
	return &Lock{path, f}, nil
}

// Take waits for the lock, making the folder first if asked to.
func Take(ctx context.Context, path string, create bool) (*Lock, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if create {
			if DropLink(path) {
				return nil, errors.New("labs: a sandbox of that name was claimed and lives on under another")
			}
			if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		}
		l, err := TryTake(path)
		if err == nil || !errors.Is(err, ErrBusy) && (!create || !errors.Is(err, fs.ErrNotExist)) {
			return l, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
