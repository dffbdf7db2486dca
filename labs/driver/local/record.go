package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Files of a sandbox's folder.
const (
	recordFile = "record.json"
	socketFile = "agent.sock"
	logFile    = "log"
	diskFile   = "disk.ext4"
)

// record is what a later process must know. It is there before stage 0 may
// go on, and Ready once the agent has answered.
type record struct {
	ID        string `json:"id"`
	PID       int    `json:"pid"`
	StartTime uint64 `json:"start_time"` // with BootID, tells a process from a later one of the same number
	BootID    string `json:"boot_id"`
	UIDs      int    `json:"uids"` // number of the uid range
	Image     string `json:"image"`
	Loop      string `json:"loop,omitempty"` // device of the writable layer
	Ready     bool   `json:"ready"`
}

func readRecord(dir string) (record, error) {
	var r record
	raw, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", filepath.Join(dir, recordFile), err)
	}
	return r, nil
}

func (r record) write(dir string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	next := filepath.Join(dir, ".record")
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return os.Rename(next, filepath.Join(dir, recordFile))
}

func (d *Driver) alive(r record) bool {
	if r.BootID != d.bootID {
		return false
	}
	start, running := processStart(r.PID)
	return running && start == r.StartTime
}

// processStart is field 22 of /proc/PID/stat.
func processStart(pid int) (start uint64, running bool) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(f) < 20 {
		return 0, false
	}
	start, err = strconv.ParseUint(f[19], 10, 64)
	return start, err == nil && f[0] != "Z" && f[0] != "X"
}

// killAndWait ends process 1 of a sandbox, and with it all the others: the
// kernel reports its end only after theirs.
func killAndWait(ctx context.Context, pid int, started uint64) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if start, _ := processStart(pid); start != started {
		return nil // the number is somebody else's by now
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	for {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for process %d: %w", pid, err)
		}
		if n > 0 {
			// Ours to collect only if this process made it; else init does.
			_ = unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG, nil)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for process %d: %w", pid, err)
		}
	}
}

// A dirLock is the right to change a sandbox, held against goroutines and
// processes alike. The kernel drops a dead holder's.
type dirLock struct {
	path string
	f    *os.File
}

func (l *dirLock) release() { l.f.Close() }

var errBusy = errors.New("local: sandbox is being changed by somebody else")

// tryLockDir returns errBusy instead of waiting.
func tryLockDir(path string) (*dirLock, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errBusy
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
		f.Close() // destroyed, and perhaps made anew, while we came
		return nil, errBusy
	}
	return &dirLock{path, f}, nil
}

// lockDir waits for the lock, making the folder first if asked to.
func lockDir(ctx context.Context, path string, create bool) (*dirLock, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if create {
			if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		}
		l, err := tryLockDir(path)
		if err == nil || !errors.Is(err, errBusy) && (!create || !errors.Is(err, fs.ErrNotExist)) {
			return l, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// stateKey is a short name for a state folder, the same in every process.
func stateKey(state string) [sha256.Size]byte { return sha256.Sum256([]byte(state)) }
