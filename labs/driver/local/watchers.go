package local

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// watchersFile bounds how many programs of one user may watch files. All
// sandboxes count as root's; each user inside has a small bound of its own
// (stage0), and this one has to be far beyond that.
const (
	watchersFile = "/proc/sys/fs/inotify/max_user_instances"
	manyWatchers = 1 << 16
)

// watchers says how many there may be: 0 where nobody knows.
func watchers() int {
	raw, err := os.ReadFile(watchersFile)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return n
}

// raiseWatchers allows many, where we may; Probe tells of where not.
func raiseWatchers() {
	if n := watchers(); n > 0 && n < manyWatchers {
		_ = os.WriteFile(watchersFile, []byte(strconv.Itoa(manyWatchers)), 0)
	}
}

// enoughWatchers reports whether many are allowed, or will be.
func enoughWatchers() bool {
	return watchers() >= manyWatchers || unix.Access(watchersFile, unix.W_OK) == nil
}
