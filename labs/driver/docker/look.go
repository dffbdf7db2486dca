package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
)

var (
	_ labs.Original = (*Driver)(nil)
	_ labs.Examiner = (*Driver)(nil)
)

// Original is labs.Original's: the engine's copy of an image was made of the one
// here, and nothing in a container reaches this one.
func (d *Driver) Original(_ context.Context, id string) (labs.Tree, error) {
	if !place.ValidID(id) {
		return labs.Tree{}, labs.ErrNotFound
	}
	digest, err := os.ReadFile(filepath.Join(d.dir(id), imageFile))
	if errors.Is(err, fs.ErrNotExist) {
		return labs.Tree{}, labs.ErrNotFound
	}
	if err != nil {
		return labs.Tree{}, err
	}
	root, err := d.images.ByDigest(string(digest))
	if err != nil {
		return labs.Tree{}, err
	}
	return labs.Tree{Digest: root.Digest, Dir: root.Path}, nil
}

// Examine is labs.Examiner's. What a sandbox uses is the engine's to say.
func (d *Driver) Examine(ctx context.Context, id string) (labs.Condition, error) {
	c := labs.Condition{ID: id, Memory: -1, Pids: -1}
	if !place.ValidID(id) {
		return c, labs.ErrNotFound
	}
	got, err := d.engine.ContainerInspect(ctx, d.container(id), client.ContainerInspectOptions{})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return c, fmt.Errorf("look at %s: %w", id, err)
	}
	lives := err == nil && got.Container.State != nil && (got.Container.State.Running || got.Container.State.Paused)
	st, err := os.Stat(d.dir(id))
	switch _, ready := os.Stat(filepath.Join(d.dir(id), readyFile)); {
	case errors.Is(err, fs.ErrNotExist) && lives: // somebody removed its folder by hand
		c.State = labs.Lost
		return c, nil
	case errors.Is(err, fs.ErrNotExist):
		return c, labs.ErrNotFound
	case err != nil:
		return c, err
	case ready != nil:
		c.State = labs.Making
	case lives:
		c.State = labs.Running
	default:
		c.State = labs.Dead
	}
	digest, _ := os.ReadFile(filepath.Join(d.dir(id), imageFile))
	c.Image, c.Since = string(digest), st.ModTime()
	return c, nil
}
