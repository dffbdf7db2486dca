package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// folder opens a sandbox's folder. Where one was that has another name by now
// there is a link, and no folder.
func folder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return f, err
}

// DropLink removes what a dead claim or a sandbox removed by hand left in the
// place of a folder: a link that leads nowhere. It reports whether one is there
// that leads to a sandbox.
func DropLink(path string) (leads bool) {
	if st, err := os.Lstat(path); err != nil || st.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	if _, err := os.Stat(path); err == nil {
		return true
	}
	_ = os.Remove(path)
	return false
}
