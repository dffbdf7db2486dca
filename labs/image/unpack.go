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
	maxLayers  = 500
	maxID      = 65535 // what a sandbox's uid map can hold
	maxLinks   = 40    // followed in one name
)

// unpack writes one archive, which is the whole image, to the empty folder dir.
func unpack(r io.Reader, dir string) error {
	u, err := newUnpacker(dir)
	if err != nil {
		return err
	}
	defer u.root.Close()
	if err := u.layer(r); err != nil {
		return err
	}
	return u.finish()
}

// An unpacker lays archives over each other in a folder. They are hostile:
// names and links lead nowhere but into the folder, device nodes are left out,
// and owners outside a sandbox's map are refused. As an ordinary user everything
// becomes that user's.
type unpacker struct {
	root    *os.Root
	chown   bool
	entries int
	bytes   int64
	mine    map[string]bool        // what the layer at hand has written, and the folders that holds
	folders map[string]*tar.Header // their modes and times come last, or they'd be in the way
	order   []string               // of folders
}

func newUnpacker(dir string) (*unpacker, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &unpacker{root: root, chown: os.Geteuid() == 0, folders: map[string]*tar.Header{}}, nil
}

// layer lays one archive over what is there.
func (u *unpacker) layer(r io.Reader) error {
	u.mine = map[string]bool{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read image: %w", err)
		}
		if err := u.entry(h, tr); err != nil {
			return fmt.Errorf("unpack %q: %w", h.Name, err)
		}
	}
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if u.entries++; u.entries > maxEntries {
		return fmt.Errorf("more than %d files", maxEntries)
	}
	if u.bytes += h.Size; h.Size < 0 || u.bytes > maxBytes || u.bytes < 0 {
		return fmt.Errorf("more than %d GiB", maxBytes>>30)
	}
	if strings.Contains("/"+h.Name+"/", "/../") {
		return errors.New("name leaves the image")
	}
	name, err := u.inside(h.Name)
	if err != nil {
		return err
	}
	if base := path.Base(name); strings.HasPrefix(base, whiteout) {
		return u.remove(path.Dir(name), strings.TrimPrefix(base, whiteout))
	}
	switch h.Typeflag {
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeXGlobalHeader:
		return nil // a sandbox brings its own /dev
	}
	if h.Uid < 0 || h.Uid > maxID || h.Gid < 0 || h.Gid > maxID {
		return fmt.Errorf("owner %d:%d is outside 0..%d", h.Uid, h.Gid, maxID)
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	for n := name; !u.mine[n]; n = path.Dir(n) {
		u.mine[n] = true
	}
	if h.Typeflag == tar.TypeDir {
		return u.folder(name, h)
	}
	if name == "." {
		return errors.New("the image is no folder")
	}
	var target string
	if h.Typeflag == tar.TypeLink {
		// Found before its place is cleared: they may be one and the same.
		if target, err = u.inside(h.Linkname); err != nil {
			return err
		}
		if target == name {
			return nil
		}
	}
	if err := u.clear(name); err != nil {
		return err
	}
	switch h.Typeflag {
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
		if st, err := u.root.Lstat(target); err != nil || st.IsDir() {
			return fmt.Errorf("hard link to %q, which is not there", h.Linkname)
		}
		return u.root.Link(target, name)
	default:
		return fmt.Errorf("unknown kind of entry %q", h.Typeflag)
	}
}

// inside is the name with every folder on its way followed, as a process whose
// root is the image would: what an absolute link or too many dots lead to is in
// the image, too. The last part isn't followed.
func (u *unpacker) inside(name string) (string, error) {
	todo := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	at, links := ".", 0
	for len(todo) > 1 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		st, err := u.root.Lstat(next)
		if err != nil || st.Mode()&fs.ModeSymlink == 0 {
			at = next // what isn't there is made as it is named
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many links on the way")
		}
		to, err := u.root.Readlink(next)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(to, "/") {
			at = "."
		}
		todo = append(strings.Split(strings.Trim(to, "/"), "/"), todo...)
	}
	return path.Join(at, todo[0]), nil
}

// Names by which a layer takes away what the ones below it have.
const (
	whiteout = ".wh."
	opaque   = ".wh..opq" // after whiteout: all that a folder had
)

func (u *unpacker) remove(dir, name string) error {
	switch {
	case name == opaque:
		entries, err := u.list(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := u.below(path.Join(dir, e)); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(name, whiteout): // another file system's own
		return nil
	case name == "" || name == "." || name == "..":
		return errors.New("takes away no name")
	}
	return u.clear(path.Join(dir, name))
}

// below removes what this layer didn't write itself.
func (u *unpacker) below(name string) error {
	if !u.mine[name] {
		return u.clear(name)
	}
	st, err := u.root.Lstat(name)
	if err != nil || !st.IsDir() {
		return err
	}
	entries, err := u.list(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := u.below(path.Join(name, e)); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) list(dir string) ([]string, error) {
	f, err := u.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// clear makes way at name.
func (u *unpacker) clear(name string) error {
	st, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return u.root.Remove(name)
	}
	for folder := range u.folders {
		if folder == name || strings.HasPrefix(folder, name+"/") {
			delete(u.folders, folder)
		}
	}
	return u.root.RemoveAll(name)
}

func (u *unpacker) folder(name string, h *tar.Header) error {
	if name != "." {
		if st, err := u.root.Lstat(name); err == nil && !st.IsDir() {
			if err := u.clear(name); err != nil {
				return err
			}
		}
		if err := u.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if u.folders[name] == nil {
		u.order = append(u.order, name)
	}
	u.folders[name] = h
	return nil
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
	for i := len(u.order) - 1; i >= 0; i-- {
		h := u.folders[u.order[i]]
		if h == nil {
			continue
		}
		delete(u.folders, u.order[i])
		if err := u.attributes(u.order[i], h); err != nil {
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
