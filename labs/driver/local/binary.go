package local

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// sealBinary copies the agent into memory and seals it. Every sandbox of this
// process shares the one copy; it can't be changed from inside through
// /proc/self/exe, and an upgrade on disk doesn't pull it away.
func sealBinary(path string) (*os.File, error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("lab-agent", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("lab-agent", flags)
	}
	if err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	tmp := os.NewFile(uintptr(fd), "lab-agent")
	defer tmp.Close()
	if _, err := io.Copy(tmp, src); err != nil {
		return nil, err
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("seal it: %w", err)
	}
	// Read-only, since nothing executes a file that is open for writing. High, so that a new process's own descriptors never land on it before
	// its exec.
	reader, err := os.Open(procFD(tmp))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	high, err := unix.FcntlInt(reader.Fd(), unix.F_DUPFD_CLOEXEC, 200)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(high), "lab-agent"), nil
}
