package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
