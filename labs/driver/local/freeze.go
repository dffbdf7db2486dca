package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// frozenFile marks a sandbox whose disk is, or is about to be, frozen. A file
// system stays so when whoever froze it dies; the mark lets the next process
// find it.
const frozenFile = "frozen"

const (
	fiFreeze = 0xc0045877 // linux/fs.h
	fiThaw   = 0xc0045878
)

// A mounted is a sandbox's disk as the host sees it: the root of the ext4 file
// system below the overlay, whose only entries are the driver's own. Nothing
// that a learner may have made is looked up on the way.
type mounted struct{ root, mount int }

func (m mounted) Close() {
	unix.Close(m.root)
	unix.Close(m.mount)
}

func (m mounted) ioctl(op uint) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(m.root), uintptr(op), 0); errno != 0 {
		return errno
	}
	return nil
}

var errNotMounted = errors.New("local: the disk isn't mounted")

// openMounted reaches the file system that is mounted from the disk in dir.
// Mounting a device a second time gives the same file system. The device's
// number may be another sandbox's by now, so it's asked for its file first, and
// held while we are at it.
func openMounted(dir, loop string) (m mounted, err error) {
	if loop == "" {
		return m, errNotMounted
	}
	var file unix.Stat_t
	if err := unix.Lstat(filepath.Join(dir, diskFile), &file); err != nil {
		return m, fmt.Errorf("find the disk: %w", err)
	}
	dev, err := os.OpenFile(loop, os.O_RDWR, 0)
	if err != nil {
		return m, fmt.Errorf("open %s: %w", loop, err)
	}
	defer dev.Close()
	info, err := unix.IoctlLoopGetStatus64(int(dev.Fd()))
	if errors.Is(err, unix.ENXIO) {
		return m, errNotMounted
	}
	if err != nil {
		return m, fmt.Errorf("ask %s for its file: %w", loop, err)
	}
	if info.Inode != file.Ino || info.Device != file.Dev {
		return m, errNotMounted
	}
	if m.mount, err = newMount("ext4", loop, nil); err != nil {
		return m, err
	}
	if m.root, err = unix.Openat(m.mount, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		unix.Close(m.mount)
		return m, fmt.Errorf("open the disk's root: %w", err)
	}
	return m, nil
}

// frozen calls do while nothing can change on the disk in dir, and returns for
// how long that was. The caller holds the sandbox's lock.
func frozen(dir, loop string, do func() error) (took time.Duration, err error) {
	m, err := openMounted(dir, loop)
	if errors.Is(err, errNotMounted) {
		return 0, do() // nobody is left to change it
	}
	if err != nil {
		return 0, err
	}
	defer m.Close()
	mark := filepath.Join(dir, frozenFile)
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		return 0, err
	}
	// What is written out before need not be waited for by those who write.
	if err := unix.Syncfs(m.root); err != nil {
		return 0, fmt.Errorf("write the disk out: %w", err)
	}
	began := time.Now()
	if err := m.ioctl(fiFreeze); err != nil {
		err = fmt.Errorf("freeze the disk: %w", err)
		if !errors.Is(err, unix.EBUSY) { // frozen by somebody, who may be dead
			err = errors.Join(err, os.Remove(mark))
		}
		return 0, err
	}
	defer func() { // whatever becomes of do
		if thawed := m.ioctl(fiThaw); thawed != nil {
			took, err = 0, errors.Join(err, fmt.Errorf("thaw the disk: %w", thawed)) // the mark stays
			return
		}
		took, err = time.Since(began), errors.Join(err, os.Remove(mark))
	}()
	return 0, do()
}

// thawLeft thaws a disk that a dead process left frozen: its sandbox could
// neither go on nor be killed. The caller holds the sandbox's lock.
func (d *Driver) thawLeft(dir string, rec record) error {
	mark := filepath.Join(dir, frozenFile)
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if rec.BootID == d.bootID {
		m, err := openMounted(dir, rec.Loop)
		if err == nil {
			err = m.ioctl(fiThaw)
			m.Close()
		}
		// EINVAL: it had not been frozen yet, or no longer.
		if err != nil && !errors.Is(err, errNotMounted) && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("thaw the disk: %w", err)
		}
	}
	return os.Remove(mark)
}

// copyFrozen copies a sandbox's disk to the new file dst.
func copyFrozen(ctx context.Context, dir, loop, dst string) (frozenFor time.Duration, bytes int64, err error) {
	src, err := os.OpenFile(filepath.Join(dir, diskFile), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, 0, err
	}
	defer src.Close()
	file, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	if frozenFor, err = frozen(dir, loop, func() error { return copyDisk(ctx, file, src) }); err != nil {
		return 0, 0, err
	}
	if err := file.Sync(); err != nil {
		return 0, 0, err
	}
	st, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	return frozenFor, st.Sys().(*syscall.Stat_t).Blocks * 512, nil
}
