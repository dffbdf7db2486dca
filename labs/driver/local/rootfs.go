package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// mountRoot makes the sandbox's root file system: an overlay of the image,
// with its owners shifted into the sandbox's uid range, and the writable
// layer. It returns the overlay as a detached mount, which appears in no
// mount table until stage 0 attaches it; the layers are held by the overlay
// alone and go when it goes, whoever dies in between.
//
// It runs on a thread in a mount namespace of its own. Kernels before 6.15
// want the layers attached somewhere, so they are, below a private /tmp; its
// paths are also all that /proc/mounts inside says of the host.
func (b *birth) mountRoot(ctx context.Context, pid int) (tree int, err error) {
	img, err := openImage(b.root.Path, pid)
	if err != nil {
		return -1, err
	}
	defer unix.Close(img)
	layer, err := b.d.disks.open(ctx, b.dir, b.spec.Limits, b.from)
	if err != nil {
		return -1, err
	}
	defer unix.Close(layer.mount)
	extras, err := openImage(b.d.extras, pid)
	if err != nil {
		return -1, err
	}
	defer unix.Close(extras)
	if b.rec.Loop = layer.loop; layer.loop != "" {
		if err := b.rec.write(b.dir); err != nil {
			return -1, err
		}
		// Owners on the disk count from 0, so that a later sandbox with other
		// uids can have a copy of it.
		if err := shiftOwners(layer.mount, pid, 0); err != nil {
			return -1, fmt.Errorf("shift the owners of the disk: %w", err)
		}
	}
	// Images and state may lie below the host's /tmp, so it is covered only
	// now, when both are open.
	if err := unix.Mount("layers", "/tmp", "tmpfs", 0, "mode=700,size=64k"); err != nil {
		return -1, fmt.Errorf("make a private /tmp: %w", err)
	}
	const lower, below, disk = "/tmp/l", "/tmp/e", "/tmp/w"
	for dir, fd := range map[string]int{lower: img, below: extras, disk: layer.mount} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return -1, err
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return -1, fmt.Errorf("attach %s: %w", dir, err)
		}
	}
	b.d.fault.reach("layers")
	owner := uidBase + b.rec.UIDs*uidWidth
	if layer.loop == "" {
		for _, dir := range []string{"upper", "work"} {
			path := filepath.Join(disk, dir)
			if err := os.Mkdir(path, 0o755); err != nil {
				return -1, err
			}
			if err := os.Chown(path, owner, owner); err != nil {
				return -1, err
			}
		}
	} else if err := writeAs(owner); err != nil {
		return -1, err
	}
	return newMount("overlay", "lab", map[string]string{
		"lowerdir": lower + ":" + below, "upperdir": disk + "/upper", "workdir": disk + "/work",
		"redirect_dir": "on", // mv of a folder from the image keeps its inode, as on any disk
		"volatile":     "",   // a crash of the machine ends the sandbox and its disk, so nobody waits for its fsync
	})
}

// writeAs makes this thread, which is thrown away soon, write files as uid: an
// overlay writes as whoever mounted it, and the host's root owns nothing on a
// disk whose owners are shifted. Without it the overlay is silently read-only.
// Root's rights over files go with the uid, and are taken up again.
func writeAs(uid int) error {
	if err := unix.Setfsuid(uid); err != nil {
		return fmt.Errorf("write as %d: %w", uid, err)
	}
	if err := unix.Setfsgid(uid); err != nil {
		return fmt.Errorf("write as group %d: %w", uid, err)
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	for i := range data {
		data[i].Effective = data[i].Permitted
	}
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		return fmt.Errorf("take capabilities up again: %w", err)
	}
	return nil
}

// shiftOwners makes a detached mount show owners as the user namespace of
// process pid maps them.
func shiftOwners(mount, pid int, attr uint64) error {
	userns, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the user namespace: %w", err)
	}
	defer unix.Close(userns)
	return unix.MountSetattr(mount, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP | attr, Userns_fd: uint64(userns)})
}

// openImage returns the image as a detached read-only mount, owned as the
// user namespace of process pid maps owners.
func openImage(path string, pid int) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open the image %s: %w", path, err)
	}
	if err := shiftOwners(fd, pid, unix.MOUNT_ATTR_RDONLY); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("shift the owners of %s (its file system or kernel may not support idmapped mounts): %w", path, err)
	}
	return fd, nil
}

// newMount makes a file system and returns it as a detached mount.
func newMount(kind, source string, options map[string]string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("make %s: %w", kind, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "source", source); err != nil {
		return -1, fmt.Errorf("make %s: source: %w", kind, err)
	}
	for key, value := range options {
		set := func() error { return unix.FsconfigSetString(fs, key, value) }
		if value == "" {
			set = func() error { return unix.FsconfigSetFlag(fs, key) }
		}
		if err := set(); err != nil {
			return -1, fmt.Errorf("make %s: %s=%s: %w", kind, key, value, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		why := make([]byte, 256)
		n, _ := unix.Read(fs, why) // the kernel's own words, where it has some
		return -1, fmt.Errorf("make %s: %w %s", kind, err, why[:max(0, n)])
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return -1, fmt.Errorf("mount %s: %w", kind, err)
	}
	return fd, nil
}
