package stage0

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// devices are bound from the host: a user namespace can't make device nodes.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// masked hides what the kernel tells about the host and namespaces don't
// cover: addresses, keys, timers, logs and the command line of the boot.
var masked = []string{
	"kallsyms", "keys", "key-users", "timer_list", "kmsg", "kcore", "kpagecount", "kpageflags", "kpagecgroup",
	"config.gz", "cmdline", "vmallocinfo", "slabinfo", "sched_debug", "latency_stats", "timer_stats",
	"interrupts", "acpi", "asound", "scsi", "driver", "mtrr", "modules", "iomem", "ioports",
}

// readOnly are the parts of /proc through which root could steer a kernel.
var readOnly = []string{"sys", "irq", "bus", "fs", "sysrq-trigger"}

// watching is what each user inside may take to be told of changed files. The
// kernel counts it as the host root's as well, so that one sandbox that took all
// would leave none to the others, whose checks watch files too.
var watching = map[string]int{"max_inotify_instances": 32, "max_inotify_watches": 4096}

const plain = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// buildTree makes root the root of this mount namespace, fills in what a
// machine has, and lets go of the host's tree.
//
// Everything taken from the host is opened before the pivot and everything
// is placed after it, so that a symbolic link in an image leads nowhere else.
func buildTree(conf *Config, root int) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	taken, err := takeFromHost(conf)
	if err != nil {
		return err
	}
	if err := attachRoot(conf, root); err != nil {
		return err
	}
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the host's root: %w", err)
	}
	defer unix.Close(old)
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot to the new root: %w", err)
	}
	// A fresh /proc needs the host's to be visible still, so the host's tree
	// goes last.
	if err := fill(conf, taken); err != nil {
		return err
	}
	if err := unix.Fchdir(old); err != nil {
		return fmt.Errorf("return to the host's root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the host's tree: %w", err)
	}
	return unix.Chdir("/")
}

// takeFromHost clones the mounts that the sandbox shares with the host, as
// descriptors.
func takeFromHost(conf *Config) (map[string]int, error) {
	want := map[string]string{}
	for _, d := range devices {
		want["/dev/"+d] = "/dev/" + d
	}
	if conf.HostUsr {
		want["/usr"] = "/usr"
	}
	taken := map[string]int{}
	for target, source := range want {
		fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("take %s from the host: %w", source, err)
		}
		if target != "/usr" {
			attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC}
			if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, attr); err != nil {
				return nil, fmt.Errorf("take %s from the host: %w", source, err)
			}
		}
		taken[target] = fd
	}
	return taken, nil
}

// attachRoot mounts the new root over a directory of this private namespace
// and makes it the working directory.
func attachRoot(conf *Config, root int) error {
	at := ""
	for _, dir := range []string{"/tmp", "/run", "/mnt", "/var"} {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			at = dir
			break
		}
	}
	if at == "" {
		return errors.New("the host has none of /tmp, /run, /mnt and /var to work in")
	}
	if conf.Overlay != nil {
		return mountOverlay(conf.Overlay, at)
	}
	if err := unix.MoveMount(root, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach the root file system: %w", err)
	}
	unix.Close(root)
	return unix.Chdir(at)
}

func mountOverlay(o *Overlay, at string) error {
	// By descriptor: the image may lie below the directory we cover, and its
	// path on the host would show in /proc/mounts.
	lower, err := unix.Open(o.Lower, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the image: %w", err)
	}
	defer unix.Close(lower)
	below, err := unix.Open(o.Below, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open what goes below the image: %w", err)
	}
	defer unix.Close(below)
	size := fmt.Sprintf("mode=700,size=%d,nr_inodes=%d", o.Bytes, o.Inodes)
	if err := unix.Mount("disk", at, "tmpfs", unix.MS_NODEV, size); err != nil {
		return fmt.Errorf("mount the writable layer: %w", err)
	}
	for _, dir := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(at, dir), 0o755); err != nil {
			return err
		}
	}
	if err := unix.Chdir(at); err != nil {
		return err
	}
	opts := fmt.Sprintf("userxattr,lowerdir=/proc/self/fd/%d:/proc/self/fd/%d,upperdir=upper,workdir=work", lower, below)
	if err := unix.Mount("lab", "root", "overlay", unix.MS_NODEV, opts); err != nil {
		return fmt.Errorf("mount the overlay: %w", err)
	}
	return unix.Chdir("root")
}

type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
	mode                 fs.FileMode // of the target, when it has to be made
}

// fill turns a file tree into what a process expects of a machine. It runs
// inside the new root.
func fill(conf *Config, taken map[string]int) error {
	pts := "newinstance,ptmxmode=0666,mode=0620"
	if conf.ManyUIDs {
		pts += ",gid=5"
	}
	mounts := []mount{
		{"proc", "/proc", "proc", plain, "", 0o555},
		{"sysfs", "/sys", "tmpfs", plain, "mode=555,size=4k", 0o555},
		{"dev", "/dev", "tmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=755,size=64k", 0o755},
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, pts, 0o755},
		{"shm", "/dev/shm", "tmpfs", plain, "mode=1777,size=" + strconv.FormatInt(conf.ShmBytes, 10), 0o1777},
		{"mqueue", "/dev/mqueue", "mqueue", plain, "", 0o1777},
		{"run", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755,size=16m", 0o755},
	}
	for _, m := range mounts {
		if err := realDir(m.target, m.mode); err != nil {
			return fmt.Errorf("make %s: %w", m.target, err)
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	// lsblk, whatever else it is told to look at, looks for this one.
	if err := os.MkdirAll("/sys/dev/block", 0o555); err != nil {
		return err
	}
	if err := unix.Mount("", "/sys", "", unix.MS_REMOUNT|plain|unix.MS_RDONLY, "mode=555,size=4k"); err != nil {
		return fmt.Errorf("close /sys: %w", err)
	}
	if err := placeTaken(taken); err != nil {
		return err
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, "/dev/"+name); err != nil {
			return err
		}
	}
	for dir, mode := range map[string]fs.FileMode{"/run/lab": 0o700, "/run/lock": 0o1777 | fs.ModeSticky, "/run/sshd": 0o755} {
		if err := os.Mkdir(dir, mode); err != nil {
			return err
		}
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	if !conf.Kept {
		if err := writeNames(conf.Hostname); err != nil {
			return err
		}
	}
	return closeProc(conf.ManyUIDs)
}

// realDir makes a folder where there is none. A tree that a learner had may
// have a symbolic link there, and while it is filled /proc/self/fd still knows
// the host's root.
func realDir(path string, mode fs.FileMode) error {
	st, err := os.Lstat(path)
	if err == nil && st.IsDir() {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Mkdir(path, mode)
}

func placeTaken(taken map[string]int) error {
	for target, fd := range taken {
		if target == "/usr" {
			if err := realDir(target, 0o755); err != nil {
				return err
			}
		} else {
			f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL, 0o666)
			if err != nil {
				return err
			}
			f.Close()
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("place %s: %w", target, err)
		}
		unix.Close(fd)
	}
	if _, ok := taken["/usr"]; !ok {
		return nil
	}
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/usr", 0, attr); err != nil {
		return fmt.Errorf("make /usr read-only: %w", err)
	}
	for _, dir := range []string{"/usr/local", "/usr/src"} { // the operator's own files
		if err := unix.Mount("empty", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=16m"); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("cover %s: %w", dir, err)
		}
	}
	return os.MkdirAll("/usr/local/bin", 0o755)
}

// writeNames makes the three files that a runtime would bind. They are
// ordinary ones here, because labs rename over them (sed -i).
func writeNames(hostname string) error {
	files := proto.Names(hostname)
	files["/etc/resolv.conf"] = "# This machine has no network beyond itself.\noptions timeout:1 attempts:1\n"
	for name, text := range files {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// closeProc masks and freezes the parts of /proc that aren't the sandbox's.
func closeProc(manyUIDs bool) error {
	// While /proc/sys is still open: ping works without a capability. Kernels
	// that don't know it do without.
	groups := "0 0"
	if manyUIDs {
		groups = "0 65535"
	}
	_ = os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(groups), 0)
	for name, most := range watching {
		_ = os.WriteFile("/proc/sys/user/"+name, []byte(strconv.Itoa(most)), 0)
	}
	for _, name := range masked {
		path := "/proc/" + name
		st, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case st.IsDir():
			err = unix.Mount("empty", path, "tmpfs", plain|unix.MS_RDONLY, "mode=555,size=4k")
		default:
			err = unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
		}
		if err != nil {
			return fmt.Errorf("mask %s: %w", path, err)
		}
	}
	for _, name := range readOnly {
		path := "/proc/" + name
		if err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			if errors.Is(err, unix.ENOENT) {
				continue
			}
			return fmt.Errorf("freeze %s: %w", path, err)
		}
		if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|plain, ""); err != nil {
			return fmt.Errorf("freeze %s: %w", path, err)
		}
	}
	return nil
}

// ClosedPaths are what a sandbox may not see, and what it may not change, for
// whoever makes its mounts instead of us.
func ClosedPaths() (hidden, frozen []string) {
	for _, name := range masked {
		hidden = append(hidden, "/proc/"+name)
	}
	for _, name := range readOnly {
		frozen = append(frozen, "/proc/"+name)
	}
	return append(hidden, "/sys"), frozen
}
