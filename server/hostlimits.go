package server

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lookAtRoom says how many labs this machine has room for, beside what their
// own limits leave: each may fill its disk, and has processes and descriptors.
func lookAtRoom(cfg Config) []Finding {
	const disk, few = 1 << 30, 4
	var fs []Finding
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.DataDir, &st); err == nil {
		free := int64(st.Bavail) * st.Bsize
		f := Finding{"room", OK, fmt.Sprintf("%d GiB free in %s, for as many labs that fill their disks; %s", free>>30, cfg.DataDir, copies(cfg.DataDir))}
		if free < few*disk {
			f.State, f.Detail = Limited, f.Detail+": new labs are refused when less than one's disk is left"
		}
		fs = append(fs, f)
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil {
		// A learner at a shell takes six: two connections, and what lies between.
		f := Finding{"descriptors", OK, fmt.Sprintf("%d for the server", files.Max)}
		if files.Max < 4096 {
			f.State, f.Detail = Limited, f.Detail+": some hundred learners take them; raise the limit of open files (LimitNOFILE=)"
		}
		fs = append(fs, f)
	}
	return append(fs, Finding{"processes", OK, fmt.Sprintf("kernel.pid_max is %s, kernel.threads-max %s; a lab may have 256",
		readSetting("/proc/sys/kernel/pid_max"), readSetting("/proc/sys/kernel/threads-max"))})
}

// copies tells whether a checkpoint shares the blocks of the disk that it is of.
func copies(dir string) string {
	src, err := os.CreateTemp(dir, ".clone-")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(src.Name())
	defer src.Close()
	if _, err := src.WriteString("x"); err != nil {
		return err.Error()
	}
	dst, err := os.CreateTemp(filepath.Dir(src.Name()), ".clone-")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(dst.Name())
	defer dst.Close()
	if unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil {
		return "checkpoints share blocks (reflinks)"
	}
	return "checkpoints are copies (no reflinks here)"
}
