package labstest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cloudmastershub/cmh/labs"
)

// keptFolder holds what is kept: a copy of the folder that scripts run in, per
// snapshot.
const keptFolder = "kept"

var _ labs.Keeper = Driver{}

// Kept is where the files of a snapshot lie.
func (d Driver) Kept(name string) string { return filepath.Join(d.State, keptFolder, name) }

// Keeps is labs.Keeper's.
func (Driver) Keeps() error { return nil }

// Snapshot is labs.Keeper's.
func (d Driver) Snapshot(ctx context.Context, id, name string) (labs.Snapshot, error) {
	s := labs.Snapshot{Name: name, Sandbox: id, Bytes: 1 << 20, Created: time.Now()}
	if _, err := os.Stat(d.Home(id)); errors.Is(err, fs.ErrNotExist) {
		return s, labs.ErrNotFound
	}
	if err := os.MkdirAll(filepath.Join(d.State, keptFolder), 0o700); err != nil {
		return s, err
	}
	return s, copyTree(ctx, d.Home(id), d.Kept(name))
}

// Snapshots is labs.Keeper's.
func (d Driver) Snapshots(context.Context) (all []labs.Snapshot, err error) {
	entries, err := os.ReadDir(filepath.Join(d.State, keptFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		all = append(all, labs.Snapshot{Name: e.Name()})
	}
	return all, err
}

// RemoveSnapshot is labs.Keeper's.
func (d Driver) RemoveSnapshot(_ context.Context, name string) error {
	return os.RemoveAll(d.Kept(name))
}

func (d Driver) restore(ctx context.Context, spec labs.Spec) error {
	if _, err := os.Stat(d.Kept(spec.From)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", labs.ErrNoSnapshot, spec.From)
	}
	if conn, err := d.Dial(ctx, spec.ID); err == nil {
		return conn.Close()
	}
	if err := os.MkdirAll(filepath.Join(d.State, spec.ID), 0o755); err != nil {
		return err
	}
	return copyTree(ctx, d.Kept(spec.From), d.Home(spec.ID))
}

func copyTree(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}
