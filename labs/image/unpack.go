package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Bounds of one image, far above real ones.
const (
	maxEntries = 1_000_000
	maxBytes   = 32 << 30
	maxID      = 65535 // what a sandbox's uid map can hold
)

// unpack writes a flattened image to the empty folder dir. The archive is
// hostile: names and links can't leave dir, device nodes are left out, and
// owners outside a sandbox's map are refused. As an ordinary user everything
// becomes that user's.
func unpack(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, chown: os.Geteuid() == 0}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return u.finish()
		}
		if err != nil {
			return fmt.Errorf("read image: %w", err)
		}
		if err := u.entry(h, tr); err != nil {
			return fmt.Errorf("unpack %q: %w", h.Name, err)
		}
	}
}

type unpacker struct {
	root    *os.Root
	chown   bool
	entries int
	bytes   int64
	links   []*tar.Header // hard links: a lower layer with their targets may come later
	folders []*tar.Header // their modes and times come last, or they'd be in the way
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if u.entries++; u.entries > maxEntries {
		return fmt.Errorf("more than %d files", maxEntries)
	}
	if u.bytes += h.Size; h.Size < 0 || u.bytes > maxBytes {
		return fmt.Errorf("more than %d GiB", maxBytes>>30)
	}
	if h.Uid < 0 || h.Uid > maxID || h.Gid < 0 || h.Gid > maxID {
		return fmt.Errorf("owner %d:%d is outside 0..%d", h.Uid, h.Gid, maxID)
	}
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if name == "" {
		name = "."
	}
	if strings.Contains("/"+h.Name+"/", "/../") {
		return errors.New("name leaves the image")
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeDir {
		if err := u.root.RemoveAll(name); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if name != "." {
			if st, err := u.root.Lstat(name); err == nil && !st.IsDir() {
				if err := u.root.RemoveAll(name); err != nil {
					return err
				}
			}
			if err := u.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
		h.Name = name
		u.folders = append(u.folders, h)
		return nil
	case tar.TypeReg:
		return u.file(name, h, content)
	case tar.TypeSymlink:
		if err := u.root.Symlink(h.Linkname, name); err != nil {
			return err
		}
		if u.chown {
			return u.root.Lchown(name, h.Uid, h.Gid)
		}
		return nil
	case tar.TypeLink:
		h.Name = name
		u.links = append(u.links, h)
		return nil
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeXGlobalHeader:
		return nil // a sandbox brings its own /dev
	default:
		return fmt.Errorf("unknown kind of entry %q", h.Typeflag)
	}
}

func (u *unpacker) file(name string, h *tar.Header, content io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return u.attributes(name, h)
}

// attributes are set owner first: changing the owner drops setuid.
func (u *unpacker) attributes(name string, h *tar.Header) error {
	if u.chown {
		if err := u.root.Lchown(name, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	mode := h.FileInfo().Mode()
	if !u.chown && h.Typeflag == tar.TypeDir {
		mode |= 0o700 // the owner must be able to remove it again
	}
	if err := u.root.Chmod(name, mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return err
	}
	return u.root.Chtimes(name, h.ModTime, h.ModTime)
}

func (u *unpacker) finish() error {
	for _, h := range u.links {
		if err := u.root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), h.Name); err != nil {
			return err
		}
	}
	for i := len(u.folders) - 1; i >= 0; i-- {
		if err := u.attributes(u.folders[i].Name, u.folders[i]); err != nil {
			return err
		}
	}
	// A sandbox mounts over these: they must be folders, whatever was sent.
	for _, dir := range []string{"dev", "etc", "proc", "root", "run", "sys", "tmp"} {
		st, err := u.root.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = u.root.Mkdir(dir, 0o755)
			if err == nil && dir == "tmp" {
				err = u.root.Chmod(dir, 0o777|fs.ModeSticky)
			}
		case err == nil && !st.IsDir():
			err = errors.New("is not a folder")
		}
		if err != nil {
			return fmt.Errorf("image's /%s: %w", dir, err)
		}
	}
	return nil
}
