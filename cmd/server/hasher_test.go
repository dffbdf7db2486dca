package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// hasherOf is the child of a server that hashes passwords.
func hasherOf(t *testing.T, server int) int {
	t.Helper()
	for _, pid := range children(t, server) {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err == nil && strings.HasSuffix(string(raw), "\x00"+hashPasswords+"\x00") {
			return pid
		}
	}
	t.Fatal("nobody hashes passwords beside the server")
	return 0
}

// ignoresEnds says whether a process ignores the signals that ask a server to end.
func ignoresEnds(t *testing.T, pid int) bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, mask, _ := strings.Cut(string(raw), "SigIgn:\t")
	mask, _, _ = strings.Cut(mask, "\n")
	ignored, err := strconv.ParseUint(mask, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		if ignored&(1<<(s-1)) == 0 {
			return false
		}
	}
	return true
}
