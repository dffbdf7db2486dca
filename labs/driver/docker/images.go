package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/image"
)

// packing is part of what the engine calls an ordinary user's images: raise it
// when pack changes what such a one's are. Root's are the tree, which the digest
// names.
const packing = "2"

// reference is what the engine calls the image of that digest as user packs it.
func reference(digest string, user int) string {
	if user != 0 {
		return firstReference(digest) + "-" + packing
	}
	return firstReference(digest)
}

// firstReference is what every user's image was called before packing was told,
// and what sandboxes of then are made of.
func firstReference(digest string) string {
	return "localhost/cmh-lab:" + strings.TrimPrefix(digest, "sha256:")
}

// handOver gives the engine a copy of the image, unless it has one, and returns
// its reference there. No registry has that name, and none is asked.
func (d *Driver) handOver(ctx context.Context, root image.Root) (string, error) {
	if root.HostUsr {
		return "", errors.New("the host image is the local driver's: an engine needs a whole one")
	}
	ref := reference(root.Digest, os.Geteuid())
	if has, err := d.has(ctx, ref); err != nil || has {
		return ref, err
	}
	lock, err := place.Take(ctx, filepath.Join(d.state, ".image-"+strings.TrimPrefix(root.Digest, "sha256:")[:16]), true) // once, whoever else comes
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if has, err := d.has(ctx, ref); err != nil || has {
		return ref, err
	}
	pr, pw := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		pw.CloseWithError(pack(pw, root.Path, os.Geteuid()))
	}()
	result, err := d.engine.ImageImport(ctx, client.ImageImportSource{Source: pr, SourceName: "-"}, ref,
		client.ImageImportOptions{Changes: []string{"LABEL cmh.image=" + root.Digest}})
	if err == nil {
		_, err = io.Copy(io.Discard, result)
		result.Close()
	}
	pr.Close()
	<-packed
	if err != nil {
		return "", fmt.Errorf("hand the image %s to %s: %w", root.Name, d.about.name, err)
	}
	if has, err := d.has(ctx, ref); err != nil || !has {
		return "", errors.Join(err, fmt.Errorf("hand the image %s to %s: it was not kept", root.Name, d.about.name))
	}
	return ref, nil
}

func (d *Driver) has(ctx context.Context, ref string) (bool, error) {
	_, err := d.engine.ImageInspect(ctx, ref)
	if err == nil {
		return true, nil
	}
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	return false, fmt.Errorf("look for the image: %w", err)
}

// pack writes a tree as an archive, with its owners, modes and hard links. In the
// store of an ordinary user what is root's has no other owner than that one.
func pack(to io.Writer, tree string, user int) error {
	w := tar.NewWriter(to)
	seen := map[[2]uint64]string{}
	err := filepath.WalkDir(tree, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(tree, p)
		if err != nil || name == "." {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		link := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if link, err = os.Readlink(p); err != nil {
				return err
			}
		case !info.IsDir() && !info.Mode().IsRegular():
			return nil // an engine brings its own devices
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		h.Name, h.Uname, h.Gname, h.Format = name, "", "", tar.FormatPAX
		if user != 0 && h.Uid == user {
			h.Uid, h.Gid = 0, 0
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && info.Mode().IsRegular() && st.Nlink > 1 {
			key := [2]uint64{st.Dev, st.Ino}
			if first := seen[key]; first != "" {
				h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
			} else {
				seen[key] = name
			}
		}
		if err := w.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	return errors.Join(err, w.Close())
}

// bounds says whether the engine takes a size for a container's files. It asks
// for one with a container of nothing, which it removes.
func (d *Driver) bounds(ctx context.Context) bool {
	ref, name := "localhost/cmh-nothing:"+d.key, "cmh-"+d.key+"-.size" // no sandbox has that id
	nothing := bytes.NewReader(make([]byte, 1024))                     // an archive's end
	got, err := d.engine.ImageImport(ctx, client.ImageImportSource{Source: nothing, SourceName: "-"}, ref, client.ImageImportOptions{})
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, got)
	got.Close()
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_ = d.removeNamed(grace, name)
		_, _ = d.engine.ImageRemove(grace, ref, client.ImageRemoveOptions{})
	}()
	if err != nil || d.removeNamed(ctx, name) != nil { // of one who was killed here
		return false
	}
	host := bare()
	host.StorageOpt = map[string]string{"size": strconv.Itoa(64 << 20)}
	_, err = d.engine.ContainerCreate(ctx, client.ContainerCreateOptions{Name: name, Config: d.config(ref, nil), HostConfig: host})
	return err == nil
}
