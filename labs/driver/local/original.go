package local

import (
	"context"
	"errors"
	"io/fs"

	"github.com/cloudmastershub/cmh/labs"
)

// Original finds the image that sandbox id began with; see labs.Original.
func (d *Driver) Original(_ context.Context, id string) (labs.Tree, error) {
	rec, err := readRecord(d.dir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return labs.Tree{}, labs.ErrNotFound
	}
	if err != nil {
		return labs.Tree{}, err
	}
	root, err := d.images.ByDigest(rec.Image)
	if err != nil {
		return labs.Tree{}, err
	}
	t := labs.Tree{Digest: root.Digest, Dir: root.Path, Path: root.Env["PATH"]}
	if root.HostUsr {
		t.Usr = "/usr"
	}
	return t, nil
}
