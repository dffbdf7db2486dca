package server

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client/hub"
)

// lookAtRoom says how many labs this machine has room for, beside what their
// own limits leave: each may fill its disk, and has processes and descriptors.
func lookAtRoom(cfg Config) []Finding {
	const disk, few = 1 << 30, 4
	var fs []Finding
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.DataDir, &st); err == nil {
		free := int64(st.Bavail) * st.Bsize
		f := Finding{"room", OK, hub.Phrasef("%d GiB free in %s, for as many labs that fill their disks; %s", free>>30, cfg.DataDir, copies(cfg.DataDir))}
		if free < few*disk {
			f.State, f.Detail = Limited, but(f.Detail, hub.Phrasef("new labs are refused when less than one's disk is left"))
		}
		fs = append(fs, f)
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil {
		// A learner at a shell takes six: two connections, and what lies between.
		f := Finding{"descriptors", OK, hub.Phrasef("%d for the server", files.Max)}
		if files.Max < 4096 {
			f.State, f.Detail = Limited, but(f.Detail, hub.Phrasef("some hundred learners take them; raise the limit of open files (LimitNOFILE=)"))
		}
		fs = append(fs, f)
	}
	return append(fs, Finding{"processes", OK, hub.Phrasef("kernel.pid_max is %s, kernel.threads-max %s; a lab may have 256",
		readSetting("/proc/sys/kernel/pid_max"), readSetting("/proc/sys/kernel/threads-max"))})
}

// copies tells whether a checkpoint shares the blocks of the disk that it is of.
func copies(dir string) hub.Phrase {
	src, err := os.CreateTemp(dir, ".clone-")
	if err != nil {
		return why(err)
	}
	defer os.Remove(src.Name())
	defer src.Close()
	if _, err := src.WriteString("x"); err != nil {
		return why(err)
	}
	dst, err := os.CreateTemp(filepath.Dir(src.Name()), ".clone-")
	if err != nil {
		return why(err)
	}
	defer os.Remove(dst.Name())
	defer dst.Close()
	if unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil {
		return hub.Phrasef("checkpoints share blocks (reflinks)")
	}
	return hub.Phrasef("checkpoints are copies (no reflinks here)")
}
