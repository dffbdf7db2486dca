package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	containertypes "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

// A snapshot is an image of the engine's, with what the learner changed as its
// last layer, and a folder of ours that says so. The folder comes first and
// names the image before there is one: an image that no folder names is nobody's.
const (
	keptFolder = ".snapshots"
	keptFile   = "snapshot.json"
	refFile    = "ref"
	keptRepo   = "localhost/cmh-kept"
)

// A kept is what is known of a snapshot.
type kept struct {
	labs.Snapshot
	Ref   string            `json:"ref"`
	Files map[string][]byte `json:"files,omitempty"` // what the engine mounts, and so leaves out
}

var _ labs.Keeper = (*Driver)(nil)

func (d *Driver) keptDir(name string) string { return filepath.Join(d.state, keptFolder, name) }

// Keeps is labs.Keeper's.
func (d *Driver) Keeps() error { return nil }

// Snapshot is labs.Keeper's. The engine holds all of the container's processes
// while it reads.
func (d *Driver) Snapshot(ctx context.Context, id, name string) (labs.Snapshot, error) {
	if !place.ValidID(name) {
		return labs.Snapshot{}, fmt.Errorf("docker: %q is not a snapshot's name", name)
	}
	if !place.ValidID(id) {
		return labs.Snapshot{}, fmt.Errorf("%w: %q", labs.ErrNotFound, id)
	}
	lock, err := place.Take(ctx, d.dir(id), false)
	if errors.Is(err, fs.ErrNotExist) {
		return labs.Snapshot{}, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return labs.Snapshot{}, fmt.Errorf("keep %s: %w", id, err)
	}
	defer lock.Release()
	if _, err := os.Stat(filepath.Join(lock.Path, readyFile)); err != nil {
		return labs.Snapshot{}, fmt.Errorf("%w: %s was never whole", labs.ErrNotFound, id)
	}
	s, err := d.keepAs(ctx, id, name)
	if err != nil {
		return labs.Snapshot{}, fmt.Errorf("keep %s: %w", id, err)
	}
	return s, nil
}

// keepAs makes the folder, the image and what is known of it, in this order.
func (d *Driver) keepAs(ctx context.Context, id, name string) (s labs.Snapshot, err error) {
	dir := d.keptDir(name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return s, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil { // refused when the name is taken
		return s, err
	}
	lock, err := place.TryTake(dir)
	if err != nil {
		return s, err
	}
	defer lock.Release()
	defer func() {
		if err != nil {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			err = errors.Join(err, d.forget(grace, dir))
		}
	}()
	k := kept{Ref: keptRepo + ":" + d.key + "-" + randomHex()}
	if err := os.WriteFile(filepath.Join(dir, refFile), []byte(k.Ref), 0o600); err != nil {
		return s, err
	}
	digest, err := os.ReadFile(filepath.Join(d.dir(id), imageFile))
	if err != nil {
		return s, err
	}
	if k.Files, err = d.mounted(ctx, id); err != nil {
		return s, err
	}
	k.Snapshot = labs.Snapshot{Name: name, Sandbox: id, Image: string(digest), Created: time.Now().UTC()}
	if err := d.images.Hold(k.Image, dir); err != nil {
		return s, err
	}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute) // as in build
	defer cancel()
	if k.Frozen, err = d.commit(whole, d.container(id), k.Ref); err != nil {
		return s, fmt.Errorf("make an image of the container: %w", err)
	}
	if k.Bytes, err = d.above(ctx, k.Ref, k.Image); err != nil {
		return s, err
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return s, err
	}
	next := filepath.Join(dir, keptFile+".next")
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return s, err
	}
	return k.Snapshot, os.Rename(next, filepath.Join(dir, keptFile))
}

// commit makes an image of a container, whose processes wait meanwhile. Docker
// sees to that by itself; Podman has to be told on this socket.
func (d *Driver) commit(ctx context.Context, container, ref string) (held time.Duration, err error) {
	began := time.Now()
	options := client.ContainerCommitOptions{Reference: ref, Config: &containertypes.Config{}} // Podman wants one, if empty
	if d.about.podman {
		options.NoPause = true
		// It refuses where nothing runs, or where one who died left it so.
		_, _ = d.engine.ContainerPause(ctx, container, client.ContainerPauseOptions{})
		defer func() { _, _ = d.engine.ContainerUnpause(ctx, container, client.ContainerUnpauseOptions{}) }()
	}
	_, err = d.engine.ContainerCommit(ctx, container, options)
	return time.Since(began), err
}

func randomHex() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// above is what an image has more than the one below it, in bytes.
func (d *Driver) above(ctx context.Context, ref, digest string) (int64, error) {
	upper, err := d.engine.ImageInspect(ctx, ref)
	if err != nil {
		return 0, fmt.Errorf("look at what was kept: %w", err)
	}
	lower, err := d.engine.ImageInspect(ctx, reference(digest, os.Geteuid()))
	if err != nil { // it is none of today's
		lower, err = d.engine.ImageInspect(ctx, firstReference(digest))
	}
	if err != nil {
		return upper.Size, nil //nolint:nilerr // somebody took the image away: then all of it is ours
	}
	return max(0, upper.Size-lower.Size), nil
}

func (d *Driver) readKept(name string) (k kept, err error) {
	if !place.ValidID(name) {
		return k, fmt.Errorf("%w: %q", labs.ErrNoSnapshot, name)
	}
	raw, err := os.ReadFile(filepath.Join(d.keptDir(name), keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("%w: %s", labs.ErrNoSnapshot, name)
	}
	if err == nil {
		err = json.Unmarshal(raw, &k)
	}
	if err != nil {
		return k, fmt.Errorf("read snapshot %s: %w", name, err)
	}
	return k, nil
}

// Snapshots is labs.Keeper's. One that is just being made is none yet.
func (d *Driver) Snapshots(ctx context.Context) ([]labs.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(d.state, keptFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	all := make([]labs.Snapshot, 0, len(entries))
	for _, e := range entries {
		k, err := d.readKept(e.Name())
		if err != nil {
			lock, err := place.TryTake(d.keptDir(e.Name()))
			if err != nil {
				continue
			}
			lock.Release()
			k.Snapshot = labs.Snapshot{Name: e.Name()} // half removed: still to be seen
		}
		all = append(all, k.Snapshot)
	}
	return all, nil
}

// RemoveSnapshot is labs.Keeper's. The engine keeps the image for as long as a
// sandbox is made of it.
func (d *Driver) RemoveSnapshot(ctx context.Context, name string) error {
	if !place.ValidID(name) {
		return nil
	}
	lock, err := place.Take(ctx, d.keptDir(name), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.forget(ctx, lock.Path)
		lock.Release()
	}
	if err != nil {
		return fmt.Errorf("remove snapshot %s: %w", name, err)
	}
	return nil
}

// forget removes a snapshot in any state, the caller holding its lock. What is
// known of it goes first: without that nobody makes a sandbox of the rest.
func (d *Driver) forget(ctx context.Context, dir string) error {
	k, _ := d.readKept(filepath.Base(dir))
	if err := os.Remove(filepath.Join(dir, keptFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if k.Image != "" {
		d.images.Release(k.Image, dir)
	}
	return d.tidy(ctx)
}

// tidy removes the images that no snapshot names and no sandbox is made of.
func (d *Driver) tidy(ctx context.Context) error {
	prefix := keptRepo + ":" + d.key + "-"
	all, err := d.engine.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("reference", keptRepo)})
	if err != nil {
		return fmt.Errorf("list what is kept: %w", err)
	}
	named := map[string]bool{}
	found, _ := filepath.Glob(filepath.Join(d.state, keptFolder, "*", refFile))
	for _, path := range found {
		raw, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		named[string(raw)] = true
	}
	for _, image := range all.Items {
		for _, tag := range image.RepoTags {
			if strings.HasPrefix(tag, prefix) && !named[tag] {
				// It refuses while a sandbox is made of it; whoever removes that comes again.
				_, _ = d.engine.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true})
			}
		}
	}
	return nil
}

// sweepKept removes what a killed process left half made.
func (d *Driver) sweepKept(ctx context.Context) error {
	entries, err := os.ReadDir(filepath.Join(d.state, keptFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(d.keptDir(e.Name()), keptFile)); err == nil {
			continue
		}
		lock, err := place.TryTake(d.keptDir(e.Name()))
		if err != nil {
			continue // busy
		}
		_, err = os.Stat(filepath.Join(lock.Path, keptFile)) // it may have been made meanwhile
		if err != nil {
			err = d.forget(ctx, lock.Path)
		}
		lock.Release()
		if err != nil {
			return err
		}
	}
	return errors.Join(err, d.tidy(ctx))
}
