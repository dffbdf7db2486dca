package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// diskFolder holds one freshly made file system per size, to copy from:
// copying its few written blocks is quicker than making one.
const diskFolder = ".disks"

// disks makes writable layers of a bounded size. Where the machine has loop
// devices a layer is an ext4 file system in a sparse file, so that files
// aren't memory; else it is a tmpfs, bounded by three quarters of the
// sandbox's memory, which its files use up (docs/adr/0007-writable-layer.md).
type disks struct {
	templates string
	mkfs      string // "": no loop disks here
}

func findDisks(templates string) disks {
	d := disks{templates: templates}
	if os.Geteuid() != 0 {
		return d
	}
	ctl, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return d
	}
	ctl.Close()
	for _, path := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if mkfs, err := exec.LookPath(path); err == nil {
			d.mkfs = mkfs
			return d
		}
	}
	return d
}

// A layer is a detached mount, and the loop device below it if any.
type layer struct {
	mount int
	loop  string
}

func (d disks) open(ctx context.Context, dir string, l labs.Limits) (layer, error) {
	if d.mkfs == "" {
		fd, err := newMount("tmpfs", "disk", map[string]string{
			"size":      strconv.FormatInt(min(l.DiskBytes, l.MemoryBytes/4*3), 10),
			"nr_inodes": strconv.FormatInt(l.Inodes, 10),
		})
		return layer{mount: fd}, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err == nil && int64(st.Bavail)*st.Bsize < l.DiskBytes {
		return layer{}, fmt.Errorf("%w: %s has less than a lab's disk of %d MiB free", labs.ErrCapacity, dir, l.DiskBytes>>20)
	}
	template, err := d.template(ctx, l)
	if err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	defer template.Close()
	file, err := os.OpenFile(filepath.Join(dir, diskFile), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	defer file.Close()
	if err := copySparse(file, template); err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	loop, err := attachLoop(file)
	if err != nil {
		return layer{}, fmt.Errorf("attach a disk: %w", err)
	}
	defer loop.Close() // it detaches itself once nothing is mounted from it
	fd, err := newMount("ext4", loop.Name(), map[string]string{"noinit_itable": "", "errors": "remount-ro"})
	return layer{fd, loop.Name()}, err
}

// template returns the file to copy, making it the first time.
func (d disks) template(ctx context.Context, l labs.Limits) (*os.File, error) {
	path := filepath.Join(d.templates, fmt.Sprintf("%d-%d.ext4", l.DiskBytes, l.Inodes))
	if f, err := os.Open(path); err == nil {
		return f, nil
	}
	tmp, err := os.CreateTemp(d.templates, ".new-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := tmp.Truncate(l.DiskBytes); err != nil {
		return nil, err
	}
	// No journal: a crash ends the sandbox and its disk with it.
	out, err := exec.CommandContext(ctx, d.mkfs, "-q", "-F", "-m", "0", "-N", strconv.FormatInt(l.Inodes, 10), "-O", "^has_journal,^resize_inode",
		"-E", "lazy_itable_init=1,nodiscard", tmp.Name()).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", d.mkfs, err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// copySparse copies the written parts of src, and its size.
func copySparse(dst, src *os.File) error {
	st, err := src.Stat()
	if err != nil {
		return err
	}
	if err := dst.Truncate(st.Size()); err != nil {
		return err
	}
	for at := int64(0); ; {
		data, err := unix.Seek(int(src.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // only holes from here on
		}
		if err != nil {
			return err
		}
		hole, err := unix.Seek(int(src.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(dst, data), io.NewSectionReader(src, data, hole-data)); err != nil {
			return err
		}
		at = hole
	}
}

// attachLoop binds file to a free loop device. Others look for one too, so
// the first that is free may be taken a moment later.
func attachLoop(file *os.File) (*os.File, error) {
	ctl, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer ctl.Close()
	for range 100 {
		n, err := unix.IoctlRetInt(int(ctl.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		dev, err := os.OpenFile("/dev/loop"+strconv.Itoa(n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		conf := &unix.LoopConfig{Fd: uint32(file.Fd())}
		// Direct: else every block of a learner's file is cached twice.
		conf.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO
		err = unix.IoctlLoopConfigure(int(dev.Fd()), conf)
		if err == nil {
			return dev, nil
		}
		dev.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("configure %s: %w", dev.Name(), err)
		}
	}
	return nil, fmt.Errorf("%w: no free loop device", labs.ErrCapacity)
}

// awaitLoopRelease waits until the kernel has unmounted a destroyed sandbox's
// disk, which it does on its own a moment after the last process: only then
// are the blocks free. Slow writes may take longer than we wait.
func awaitLoopRelease(ctx context.Context, file, loop string) error {
	if loop == "" {
		return nil
	}
	backing := filepath.Join("/sys/block", filepath.Base(loop), "loop/backing_file")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(5 * time.Second)
	defer patience.Stop()
	for {
		now, err := os.ReadFile(backing)
		if err != nil || !strings.HasPrefix(strings.TrimSpace(string(now)), file) {
			return nil // no backing file: released
		}
		select {
		case <-tick.C:
		case <-patience.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
