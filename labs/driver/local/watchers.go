package local

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/words"
)

// watchersFile bounds how many programs of one user may watch files. What is
// open in a user namespace counts in each one around it too, as its owner's:
// the watchers of all sandboxes together are root's on the host. Each user
// inside has a small bound of its own (stage0), and this one has to be far
// beyond that, where a distribution's 128 are taken by four of them.
const (
	watchersFile = "/proc/sys/fs/inotify/max_user_instances"
	watchesFile  = "/proc/sys/fs/inotify/max_user_watches"
	manyWatchers = 1 << 16
)

// readNumber is what a setting says: 0 where nobody knows.
func readNumber(file string) int {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return n
}

// raiseWatchers allows many, where we may; Probe tells of where not. It says
// what it changed.
func raiseWatchers() string {
	n := readNumber(watchersFile)
	if n == 0 || n >= manyWatchers || os.WriteFile(watchersFile, []byte(strconv.Itoa(manyWatchers)), 0) != nil {
		return ""
	}
	return fmt.Sprintf("%s was %d, and is %d now", watchersFile, n, manyWatchers)
}

// findWatchers says how many are allowed, or will be.
func findWatchers() (detail string, enough bool) {
	n, watches := readNumber(watchersFile), readNumber(watchesFile)
	if n < manyWatchers && unix.Access(watchersFile, unix.W_OK) == nil {
		return words.Kept("fs.inotify.max_user_instances is %d, max_user_watches %d; serve raises the first to %d", n, watches, manyWatchers), true
	}
	return words.Kept("fs.inotify.max_user_instances is %d, max_user_watches %d", n, watches), n >= manyWatchers
}
