package scenario

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Tree is a file tree in memory. It follows no links by itself: Read and Find
// do, within the tree.
type Tree struct {
	files map[string]*file // by path; "." is the root
	top   string           // the directory that is shown as the root
}

// file is one entry: a directory with its names, a link, or data.
type file struct {
	dir   bool
	names []string // of a directory; sorted when first listed
	link  string
	data  []byte
}

func newTree() *Tree { return &Tree{files: map[string]*file{".": {dir: true}}, top: "."} }

// Top is the name of the single directory that the archive held and that
// became the root, or "".
func (t *Tree) Top() string {
	if t.top == "." {
		return ""
	}
	return t.top
}

// put adds an entry and the directories above it.
func (t *Tree) put(name string, f *file) error {
	if was := t.files[name]; was != nil {
		if was.dir && f.dir {
			return nil
		}
		return refuse(name, "is there twice")
	}
	t.files[name] = f
	dir := path.Dir(name)
	if t.files[dir] == nil {
		if err := t.put(dir, &file{dir: true}); err != nil {
			return err
		}
	}
	parent := t.files[dir]
	if !parent.dir {
		return refuse(name, "lies below what is no directory")
	}
	parent.names = append(parent.names, path.Base(name))
	return nil
}

// singleTop makes the only directory at the root the root.
func (t *Tree) singleTop() {
	if names := t.files["."].names; len(names) == 1 && t.files[names[0]].dir {
		t.top = names[0]
	}
}

// checkLinks refuses a tree with a link that leads out of it, by itself or by
// way of others. One that leads nowhere is let be.
func (t *Tree) checkLinks() error {
	for name, f := range t.files {
		if f.link == "" {
			continue
		}
		if path.IsAbs(f.link) || drive(f.link) || strings.Contains(f.link, `\`) {
			return refuse(name, "is a link to an absolute path")
		}
		inside := name
		if t.top != "." {
			inside = strings.TrimPrefix(name, t.top+"/")
		}
		if _, err := resolve(t, inside); errors.Is(err, errOutside) {
			return refuse(name, "is a link that leads out of the archive")
		}
	}
	return nil
}

func (t *Tree) at(op, name string) (*file, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	f := t.files[path.Join(t.top, name)]
	if f == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return f, nil
}

// Open opens name. A link itself cannot be opened.
func (t *Tree) Open(name string) (fs.File, error) {
	f, err := t.at("open", name)
	if err != nil {
		return nil, err
	}
	if f.link != "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return &openFile{info: info{path.Base(name), f}, r: bytes.NewReader(f.data)}, nil
}

// ReadDir lists the directory at name, sorted.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := t.at("readdir", name)
	if err != nil {
		return nil, err
	}
	if !f.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	names := slices.Sorted(slices.Values(f.names))
	entries := make([]fs.DirEntry, len(names))
	for i, n := range names {
		entries[i] = fs.FileInfoToDirEntry(info{n, t.files[path.Join(t.top, name, n)]})
	}
	return entries, nil
}

// Lstat describes name, a link as a link.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	f, err := t.at("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), f}, nil
}

// ReadLink returns the target of the link at name.
func (t *Tree) ReadLink(name string) (string, error) {
	f, err := t.at("readlink", name)
	if err != nil {
		return "", err
	}
	if f.link == "" {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return f.link, nil
}

// info describes a file. Modes of archives mean nothing.
type info struct {
	name string
	f    *file
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.f.data)) }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.f.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	switch {
	case i.f.dir:
		return fs.ModeDir | 0o755
	case i.f.link != "":
		return fs.ModeSymlink | 0o777
	}
	return 0o644
}

type openFile struct {
	info info
	r    *bytes.Reader
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Close() error               { return nil }
func (o *openFile) Read(p []byte) (int, error) {
	if o.info.f.dir {
		return 0, &fs.PathError{Op: "read", Path: o.info.name, Err: errors.New("is a directory")}
	}
	return o.r.Read(p)
}

var (
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
	_ io.Reader     = (*openFile)(nil)
)
