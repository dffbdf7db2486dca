package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Import installs an image from disk: an OCI layout (a folder, or a tar
// archive of one) or what "docker save" writes. No registry is asked.
func (s *Store) Import(ctx context.Context, path, name string) (Root, error) {
	if err := checkName(name); err != nil {
		return Root{}, err
	}
	img, done, err := s.open(path)
	defer done()
	if err == nil {
		var r Root
		if r, err = s.fromImage(ctx, img, Root{Name: name, Source: filepath.Base(path)}); err == nil {
			return r, nil
		}
	}
	return Root{}, fmt.Errorf("import %s: %w", path, err)
}

// fromImage installs img under the digest of its configuration, which names
// the content of its layers whatever their compression.
func (s *Store) fromImage(ctx context.Context, img v1.Image, r Root, also ...string) (Root, error) {
	digest, err := img.ConfigName()
	if err != nil {
		return Root{}, err
	}
	if digest.Algorithm != "sha256" || len(digest.Hex) != 2*sha256.Size {
		return Root{}, fmt.Errorf("its configuration has the digest %q", digest)
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return Root{}, err
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != digest.Hex {
		return Root{}, errors.New("its configuration isn't the one it names")
	}
	r.Digest = digest.String()
	conf, err := img.ConfigFile()
	if err != nil {
		return Root{}, err
	}
	r.Env, r.WorkDir = wanted(conf.Config)
	return s.install(ctx.Done(), r, func(tree string) error { return unpackImage(ctx, img, tree) }, also...)
}

// unpackImage lays the layers over each other, and believes none of them: each
// must be the one that the configuration names, or whoever serves an image
// could have theirs kept under the digest of another.
func unpackImage(ctx context.Context, img v1.Image, tree string) error {
	conf, err := img.ConfigFile()
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	if len(layers) > maxLayers || len(layers) != len(conf.RootFS.DiffIDs) {
		return fmt.Errorf("it has %d layers, of which its configuration names %d; at most %d are taken", len(layers), len(conf.RootFS.DiffIDs), maxLayers)
	}
	u, err := newUnpacker(tree)
	if err != nil {
		return err
	}
	defer u.root.Close()
	for i, l := range layers {
		if err := u.checked(ctx, l, conf.RootFS.DiffIDs[i]); err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("layer %d: %w", i+1, err))
		}
	}
	return u.finish()
}

func (u *unpacker) checked(ctx context.Context, l v1.Layer, want v1.Hash) error {
	content, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer content.Close()
	stop := context.AfterFunc(ctx, func() { content.Close() })
	defer stop()
	h := sha256.New()
	all := io.TeeReader(io.LimitReader(content, maxBytes+maxEntries*1024), h)
	if err := u.layer(all); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, all); err != nil { // what pads it behind its end
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if want.Algorithm != "sha256" || hex.EncodeToString(h.Sum(nil)) != want.Hex {
		return fmt.Errorf("its content isn't %s, which the configuration names", want)
	}
	return nil
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
	if isLayout, err := layoutInside(path); err != nil {
		return nil, nothing, err
	} else if !isLayout {
		img, err := tarball.ImageFromPath(path, nil)
		return img, nothing, err
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
	u, err := newUnpacker(tmp)
	if err != nil {
		return nil, done, err
	}
	defer u.root.Close()
	if err := u.layer(f); err != nil {
		return nil, done, err
	}
	img, err = fromLayout(tmp)
	return img, done, err
}

// layoutInside says whether a tar archive is an OCI layout. Newer versions of
// "docker save" write both formats into one archive; the layout has the digests.
func layoutInside(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	tr := tar.NewReader(f)
	for n := 0; n < maxEntries; n++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("neither an OCI layout nor an archive of one or of docker save: %w", err)
		}
		if filepath.Clean(h.Name) == "oci-layout" {
			return true, nil
		}
	}
	return false, nil
}

// fromLayout takes the layout's image, or the one for this machine among
// several.
func fromLayout(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("not an OCI layout: %w", err)
	}
	return pick(index, 4)
}

// pick finds the image for this machine. An index may hold others, a few deep.
func pick(index v1.ImageIndex, deep int) (v1.Image, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range m.Manifests {
		if p := d.Platform; p != nil && (p.OS != "linux" || p.Architecture != goarch) && len(m.Manifests) > 1 {
			continue
		}
		if d.MediaType.IsIndex() && deep > 0 {
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			return pick(inner, deep-1)
		}
		if d.MediaType.IsImage() {
			return index.Image(d.Digest)
		}
	}
	return nil, fmt.Errorf("it holds no image for linux/%s", goarch)
}
