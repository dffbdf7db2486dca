package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

var _ labs.Claimer = (*Driver)(nil)

// Claim is labs.Claimer's. The sandbox's folder gets the new name, and the agent's
// socket with it. Its cgroups and the mark of its uids keep the old one, because
// version 2 cgroups can't be renamed: the record says so, and so does a link
// that stands where the folder was, as long as the sandbox exists.
func (d *Driver) Claim(ctx context.Context, waiting, id string) error {
	if !place.ValidID(waiting) || !place.ValidID(id) {
		return fmt.Errorf("%w: %q as %q", labs.ErrNotFound, waiting, id)
	}
	lock, err := place.Take(ctx, d.dir(waiting), false)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", labs.ErrNotFound, waiting)
	}
	if err != nil {
		return fmt.Errorf("claim %s: %w", waiting, err)
	}
	defer lock.Release()
	rec, err := readRecord(lock.Path)
	if err != nil || !rec.Ready || !d.alive(rec) {
		return fmt.Errorf("%w: %s", labs.ErrNotFound, waiting)
	}
	before := rec
	rec.ID, rec.Born = id, rec.born(waiting)
	if err := rec.write(lock.Path); err != nil {
		return err
	}
	d.fault.reach("claimed")
	if err := swap(d.dir(waiting), d.dir(id)); err != nil {
		return errors.Join(fmt.Errorf("claim %s: %w", waiting, err), before.write(lock.Path))
	}
	d.fault.reach("renamed")
	if before.Born == "" {
		return nil
	}
	// It was claimed before: one link is enough.
	if err := relink(d.dir(before.Born), id); err != nil {
		return err
	}
	return os.Remove(d.dir(waiting))
}

// swap moves the folder to a name that is free, and puts a link to it in its
// place, both in one step: without either, cgroups would seem to be nobody's
// for a moment.
func swap(from, to string) error {
	if err := os.Symlink(filepath.Base(to), to); err != nil { // leads nowhere yet
		return err
	}
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)
	if err != nil {
		_ = os.Remove(to)
		return fmt.Errorf("%w: %w", labs.ErrUnfit, err)
	}
	return nil
}

// relink makes path a link to target, in one step.
func relink(path, target string) error {
	next := path + ".next"
	_ = os.Remove(next)
	if err := os.Symlink(target, next); err != nil {
		return err
	}
	return os.Rename(next, path)
}
