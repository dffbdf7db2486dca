package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// open makes an engine of this machine, with a state of its own that done
// removes, sandboxes and all.
func open(ctx context.Context, h host) (engine *labs.Engine, done func(), err error) {
	if h.images == "" {
		h.images = image.DefaultDir()
	}
	images, err := image.Open(h.images)
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "The images of labs can't be opened.")
	}
	if _, err := images.Resolve(h.image); err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "There is nothing to start labs from. Make it with: cmh-server image build")
	}
	if _, err := os.Stat(h.agent); err != nil {
		return nil, nil, hub.Errorf(hub.Unavailable, "There is no %s. Say where lab-agent is with --agent.", h.agent)
	}
	state, unlock, err := ownState(ctx, h, images)
	if err != nil {
		return nil, nil, err
	}
	d, err := local.Open(ctx, local.Config{State: filepath.Join(state, "s"), Images: images, Agent: h.agent})
	if err != nil {
		unlock()
		return nil, nil, hub.Wrap(err, hub.Unavailable, "No sandbox can be made here; cmh-server doctor says what is missing.")
	}
	return &labs.Engine{Driver: d, Image: h.image}, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		clear(grace, d, state)
		unlock()
	}, nil
}

// clear removes every sandbox of d, and then its state. Without the former the
// latter stays, for the next run to find.
func clear(ctx context.Context, d *local.Driver, state string) {
	err := labs.Clear(ctx, d)
	if err := errors.Join(err, d.Close()); err == nil {
		_ = os.RemoveAll(state)
	}
}

// ownState is a folder for the sandboxes of this process, locked while it
// lives. Those of processes that were killed are cleared away first: sandboxes
// outlive whoever made them.
func ownState(ctx context.Context, h host, images *image.Store) (dir string, unlock func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	all := filepath.Join(cache, "cmh", "author-test")
	if err := os.MkdirAll(all, 0o700); err != nil {
		return "", nil, fmt.Errorf("make a folder for sandboxes: %w", err)
	}
	left, err := os.ReadDir(all)
	if err != nil {
		return "", nil, fmt.Errorf("look for sandboxes that were left: %w", err)
	}
	for _, e := range left {
		old := filepath.Join(all, e.Name())
		unlock, ok := tryLock(old)
		if !ok {
			continue // somebody's who is at work
		}
		if d, err := local.Open(ctx, local.Config{State: filepath.Join(old, "s"), Images: images, Agent: h.agent}); err == nil {
			clear(ctx, d, old)
		}
		unlock()
	}
	if dir, err = os.MkdirTemp(all, ""); err != nil {
		return "", nil, fmt.Errorf("make a folder for sandboxes: %w", err)
	}
	unlock, ok := tryLock(dir)
	if !ok {
		return "", nil, fmt.Errorf("%s is taken", dir)
	}
	return dir, unlock, nil
}

func tryLock(dir string) (unlock func(), ok bool) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, false
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, false
	}
	return func() { _ = f.Close() }, true
}
