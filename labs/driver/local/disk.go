package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	fault     *fault
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
	d.mkfs, _ = findTool("mkfs.ext4")
	return d
}

// A layer is a detached mount, and the loop device below it if any.
type layer struct {
	mount int
	loop  string
}

// open makes a writable layer with an upper folder in it: an empty one, or a
// copy of the disk in the file from.
func (d disks) open(ctx context.Context, dir string, l labs.Limits, from string) (layer, error) {
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
	source := func() (*os.File, error) { return d.template(ctx, l) }
	if from != "" {
		source = func() (*os.File, error) { return os.Open(from) }
	}
	template, err := source()
	if err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	defer template.Close()
	file, err := os.OpenFile(filepath.Join(dir, diskFile), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	defer file.Close()
	if err := copyDisk(ctx, file, template); err != nil {
		return layer{}, fmt.Errorf("make a disk: %w", err)
	}
	if from != "" {
		if err := mend(ctx, file.Name()); err != nil {
			return layer{}, err
		}
	}
	d.fault.reach("disk")
	loop, err := attachLoop(file)
	if err != nil {
		return layer{}, fmt.Errorf("attach a disk: %w", err)
	}
	defer loop.Close() // it detaches itself once nothing is mounted from it
	d.fault.reach("loop")
	fd, err := newMount("ext4", loop.Name(), map[string]string{"noinit_itable": "", "errors": "remount-ro"})
	if err != nil {
		return layer{}, err
	}
	if err := emptyWork(fd); err != nil {
		unix.Close(fd)
		return layer{}, fmt.Errorf("prepare a disk: %w", err)
	}
	return layer{fd, loop.Name()}, nil
}

// emptyWork leaves upper as it is, and makes a new work folder: an overlay
// refuses one that a volatile overlay had, and what is in it is nobody's.
func emptyWork(mount int) error {
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", mount))
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.RemoveAll("work"); err != nil {
		return err
	}
	for _, dir := range []string{"upper", "work"} {
		if err := root.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// template returns the file to copy, making it the first time.
func (d disks) template(ctx context.Context, l labs.Limits) (*os.File, error) {
	path := filepath.Join(d.templates, fmt.Sprintf("%d-%d.ext4", l.DiskBytes, l.Inodes))
	if f, err := os.Open(path); err == nil {
		return f, nil
	}
	tmp, err := os.CreateTemp(d.templates, newTemplate)
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := unix.Flock(int(tmp.Fd()), unix.LOCK_EX); err != nil { // says that we live
		return nil, err
	}
	if err := tmp.Truncate(l.DiskBytes); err != nil {
		return nil, err
	}
	// No journal: a crash ends the sandbox and its disk with it.
	out, err := exec.CommandContext(ctx, d.mkfs, "-q", "-F", "-m", "0", "-N", strconv.FormatInt(l.Inodes, 10), "-O", "^has_journal,^resize_inode",
		"-E", "lazy_itable_init=1,nodiscard", tmp.Name()).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", d.mkfs, err, strings.TrimSpace(string(out)))
	}
	d.fault.reach("template")
	if err := os.Rename(tmp.Name(), path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// copyDisk makes dst, an empty file, what src is: sharing its blocks where the
// file system can, else by copying those that were written, until ctx ends.
func copyDisk(ctx context.Context, dst, src *os.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())); err == nil {
		return nil
	}
	return copySparse(ctx, dst, src)
}

// mend checks a disk that was copied while it was mounted. Files that programs
// had open after they were deleted take up its space until then. Its structure
// was always written by this kernel, never by who lives on it.
func mend(ctx context.Context, disk string) error {
	tool, err := findTool("e2fsck")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, tool, "-f", "-p", disk).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // mended
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// findTool looks where tools for root lie, too.
func findTool(name string) (path string, err error) {
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err = exec.LookPath(dir + name); err == nil {
			return path, nil
		}
	}
	return "", err
}

const newTemplate = ".new-"

// sweep removes templates whose maker has died.
func (d disks) sweep() {
	left, _ := filepath.Glob(filepath.Join(d.templates, newTemplate+"*"))
	for _, path := range left {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.Remove(path)
		}
		f.Close()
	}
}

// copySparse copies the written parts of src, and its size.
func copySparse(ctx context.Context, dst, src *os.File) error {
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
		if err := copyRange(ctx, dst, src, data, hole); err != nil {
			return err
		}
		at = hole
	}
}

// copyRange copies what lies between two offsets, piece by piece, inside of the
// kernel where the file systems can.
func copyRange(ctx context.Context, dst, src *os.File, from, to int64) error {
	for in, out := from, from; in < to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		piece := min(to-in, 16<<20)
		n, err := unix.CopyFileRange(int(src.Fd()), &in, int(dst.Fd()), &out, int(piece), 0)
		if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
			if _, err := io.Copy(io.NewOffsetWriter(dst, in), io.NewSectionReader(src, in, piece)); err != nil {
				return err
			}
			in, out = in+piece, out+piece
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
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
