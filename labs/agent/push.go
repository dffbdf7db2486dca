package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack is the child that writes a tar archive from its standard input below
// root. The archive is an author's: names that lead elsewhere are refused, and
// so is anything but files, folders and symbolic links.
func unpack(root string) int {
	if err := unpackTar(os.Stdin, root); err != nil {
		fmt.Fprint(os.Stderr, err)
		return 1
	}
	return 0
}

func unpackTar(r io.Reader, root string) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(tr, h, root); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

func unpackEntry(tr *tar.Reader, h *tar.Header, root string) error {
	if strings.ContainsAny(h.Name, "\x00\\") {
		return errors.New("a name with odd characters")
	}
	for part := range strings.SplitSeq(h.Name, "/") {
		if part == ".." {
			return errors.New("a name that leads out of the archive")
		}
	}
	name := path.Clean("/" + h.Name)
	if name == "/" {
		return nil
	}
	target := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(h.Mode & 0o777)
	switch h.Typeflag {
	case tar.TypeDir:
		if st, err := os.Stat(target); err == nil && st.IsDir() {
			return nil // its mode is the image's business
		}
		if err := os.Mkdir(target, mode); err != nil {
			return err
		}
		return own(target, h, mode)
	case tar.TypeReg:
		return unpackFile(tr, target, h, mode)
	case tar.TypeSymlink:
		if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Symlink(h.Linkname, target)
	}
	return fmt.Errorf("neither a file nor a folder (type %q)", h.Typeflag)
}

func unpackFile(tr *tar.Reader, target string, h *tar.Header, mode os.FileMode) error {
	if st, err := os.Lstat(target); err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		if err := os.Remove(target); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, tr)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return own(target, h, mode)
}

// own applies the archive's owner and mode; where the owner does not exist in
// the sandbox's range, root keeps the file.
func own(target string, h *tar.Header, mode os.FileMode) error {
	if h.Uid != os.Getuid() || h.Gid != os.Getgid() {
		_ = os.Lchown(target, h.Uid, h.Gid)
	}
	return os.Chmod(target, mode)
}
