package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

// snapshotFolder has a folder per snapshot: the disk, and what is known of it.
// One is made in its sandbox's folder and gets here by a rename, whole; the
// other one is what a killed process leaves there.
const (
	snapshotFolder = ".snapshots"
	halfSnapshot   = ".snapshot"
	snapshotFile   = "snapshot.json"
)

var _ labs.Keeper = (*Driver)(nil)

func (d *Driver) snapshotDir(name string) string { return filepath.Join(d.state, snapshotFolder, name) }

// Keeps is labs.Keeper's.
func (d *Driver) Keeps() error {
	if d.disks.mkfs == "" {
		return fmt.Errorf("%w: learners' files are in memory here, for want of root or of loop devices", labs.ErrKeepsNothing)
	}
	if _, err := findTool("e2fsck"); err != nil {
		return fmt.Errorf("%w: it lacks e2fsck", labs.ErrKeepsNothing)
	}
	return nil
}

// Snapshot is labs.Keeper's.
func (d *Driver) Snapshot(ctx context.Context, id, name string) (s labs.Snapshot, err error) {
	if err := d.Keeps(); err != nil {
		return s, err
	}
	if !place.ValidID(name) {
		return s, fmt.Errorf("local: %q is not a snapshot's name", name)
	}
	if !place.ValidID(id) {
		return s, fmt.Errorf("%w: %q", labs.ErrNotFound, id)
	}
	lock, err := place.Take(ctx, d.dir(id), false)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return s, fmt.Errorf("keep %s: %w", id, err)
	}
	defer lock.Release()
	rec, err := readRecord(lock.Path)
	if err != nil || !rec.Ready {
		return s, fmt.Errorf("%w: %s was never whole", labs.ErrNotFound, id)
	}
	if s, err = d.keep(ctx, lock.Path, rec, name); err != nil {
		return s, fmt.Errorf("keep %s: %w", id, err)
	}
	return s, nil
}

// keep makes the snapshot aside and then puts it into its place.
func (d *Driver) keep(ctx context.Context, dir string, rec record, name string) (s labs.Snapshot, err error) {
	if err := d.thawLeft(dir, rec); err != nil {
		return s, err
	}
	if err := d.room(dir); err != nil {
		return s, err
	}
	half := filepath.Join(dir, halfSnapshot)
	if err := os.RemoveAll(half); err != nil {
		return s, err
	}
	if err := os.Mkdir(half, 0o700); err != nil {
		return s, err
	}
	defer os.RemoveAll(half)
	s = labs.Snapshot{Name: name, Sandbox: rec.ID, Image: rec.Image, Created: time.Now().UTC()}
	if s.Frozen, s.Bytes, err = copyFrozen(ctx, dir, rec.Loop, filepath.Join(half, diskFile)); err != nil {
		return s, err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	if err := os.WriteFile(filepath.Join(half, snapshotFile), raw, 0o600); err != nil {
		return s, err
	}
	if err := os.Rename(half, d.snapshotDir(name)); err != nil { // refused when the name is taken
		return s, err
	}
	if err := d.images.Hold(s.Image, d.snapshotDir(name)); err != nil { // as the sandbox has until here
		return s, errors.Join(err, d.RemoveSnapshot(ctx, name))
	}
	return s, nil
}

// room makes sure that a copy fits, so that a full disk ends a snapshot before
// it froze anything.
func (d *Driver) room(dir string) error {
	var disk unix.Stat_t
	if err := unix.Lstat(filepath.Join(dir, diskFile), &disk); err != nil {
		return err
	}
	var host unix.Statfs_t
	if err := unix.Statfs(d.state, &host); err != nil {
		return err
	}
	if int64(host.Bavail)*host.Bsize < disk.Blocks*512 {
		return fmt.Errorf("%w: no room for %d MiB", labs.ErrCapacity, disk.Blocks*512>>20)
	}
	return nil
}

func (d *Driver) readSnapshot(name string) (s labs.Snapshot, err error) {
	if !place.ValidID(name) {
		return s, fmt.Errorf("%w: %q", labs.ErrNoSnapshot, name)
	}
	raw, err := os.ReadFile(filepath.Join(d.snapshotDir(name), snapshotFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: %s", labs.ErrNoSnapshot, name)
	}
	if err != nil {
		return s, fmt.Errorf("read snapshot %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read snapshot %s: %w", name, err)
	}
	return s, nil
}

// Snapshots is labs.Keeper's.
func (d *Driver) Snapshots(ctx context.Context) ([]labs.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(d.state, snapshotFolder))
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	all := make([]labs.Snapshot, 0, len(entries))
	for _, e := range entries {
		s, err := d.readSnapshot(e.Name())
		if err != nil {
			s = labs.Snapshot{Name: e.Name()} // half removed: still to be seen
		}
		all = append(all, s)
	}
	return all, nil
}

// RemoveSnapshot is labs.Keeper's. What is known of it goes first: without that
// nobody takes the rest for a disk.
func (d *Driver) RemoveSnapshot(_ context.Context, name string) error {
	if !place.ValidID(name) {
		return nil
	}
	dir := d.snapshotDir(name)
	if err := os.Remove(filepath.Join(dir, snapshotFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove snapshot %s: %w", name, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove snapshot %s: %w", name, err)
	}
	return nil
}

// UsedImages are the digests of the images that the sandboxes and snapshots of
// a state folder are made of, so that nobody removes these.
func UsedImages(state string) (digests []string, err error) {
	for _, pattern := range []string{filepath.Join(state, "*", recordFile), filepath.Join(state, snapshotFolder, "*", snapshotFile)} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			raw, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // destroyed meanwhile
			}
			if err != nil {
				return nil, err
			}
			var made struct{ Image string }
			if err := json.Unmarshal(raw, &made); err != nil {
				return nil, fmt.Errorf("read %s: %w", path, err)
			}
			digests = append(digests, made.Image)
		}
	}
	return digests, nil
}
