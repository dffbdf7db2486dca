package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Import installs an image from disk: an OCI layout (a folder, or a tar
// archive of one) or what "docker save" writes. No registry is asked.
func (s *Store) Import(ctx context.Context, path, name string) (Root, error) {
	if !validName.MatchString(name) || name == Host {
		return Root{}, fmt.Errorf("%q can't be an image's name: use lower case letters, digits, dots and dashes", name)
	}
	img, done, err := s.open(path)
	defer done()
	if err != nil {
		return Root{}, fmt.Errorf("import %s: %w", path, err)
	}
	digest, err := img.ConfigName() // names the layers' content, whatever their compression
	if err != nil {
		return Root{}, fmt.Errorf("import %s: %w", path, err)
	}
	r := Root{Name: name, Digest: digest.String(), Source: filepath.Base(path)}
	return s.install(ctx.Done(), r, func(tree string) error {
		flat := mutate.Extract(img) // applies whiteouts
		defer flat.Close()
		stop := context.AfterFunc(ctx, func() { flat.Close() })
		defer stop()
		if err := unpack(flat, tree); err != nil {
			return err
		}
		return ctx.Err()
	})
}

// open reads whichever format path has. done is never nil.
func (s *Store) open(path string) (img v1.Image, done func(), err error) {
	nothing := func() {}
	st, err := os.Stat(path)
	if err != nil {
		return nil, nothing, err
	}
	if st.IsDir() {
		img, err := fromLayout(path)
		return img, nothing, err
	}
	if img, err := tarball.ImageFromPath(path, nil); err == nil {
		return img, nothing, nil
	}
	tmp, err := os.MkdirTemp(s.dir, ".in-")
	if err != nil {
		return nil, nothing, err
	}
	done = func() { removeAll(tmp) }
	f, err := os.Open(path)
	if err != nil {
		return nil, done, err
	}
	defer f.Close()
	if err := unpack(f, tmp); err != nil {
		return nil, done, err
	}
	img, err = fromLayout(tmp)
	return img, done, err
}

// fromLayout takes the layout's image, or the one for this machine among
// several.
func fromLayout(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("not an OCI layout: %w", err)
	}
	return pick(index)
}

func pick(index v1.ImageIndex) (v1.Image, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range m.Manifests {
		if p := d.Platform; p != nil && (p.OS != "linux" || p.Architecture != goarch) && len(m.Manifests) > 1 {
			continue
		}
		if d.MediaType.IsIndex() {
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			return pick(inner)
		}
		if d.MediaType.IsImage() {
			return index.Image(d.Digest)
		}
	}
	return nil, fmt.Errorf("it holds no image for linux/%s", goarch)
}
