package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Files of a sandbox's folder.
const (
	recordFile = "record.json"
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

	// Born is the id under which it was made, which its cgroups and uids keep,
	// when it was claimed under another.
	Born string `json:"born,omitempty"`
}

// born is the id that the cgroups and uids of sandbox id have.
func (r record) born(id string) string {
	if r.Born != "" {
		return r.Born
	}
	return id
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
	return awaitEnd(ctx, fd)
}

// awaitEnd waits until the killed process of a pidfd is dead and, if this
// process made it, collected. Leaving its cgroup comes earlier: PID 1 of a
// namespace ends only after everybody else in it.
func awaitEnd(ctx context.Context, fd int) error {
	for {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for a killed process: %w", err)
		}
		if n > 0 {
			// Ours to collect only if this process made it; else init does.
			_ = unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG, nil)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for a killed process: %w", err)
		}
	}
}

// stateKey is a short name for a state folder, the same in every process.
func stateKey(state string) [sha256.Size]byte { return sha256.Sum256([]byte(state)) }
