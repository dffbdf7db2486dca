package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// While it works as root, mmdebstrap binds folders of the host into the tree.
// Somebody pressed Ctrl-C just then: the tree was cleared away, through the
// bind, and with it the shared memory of every PostgreSQL on the machine.
func TestAKilledBuildTakesNothingOfTheHostAlong(t *testing.T) {
	if os.Geteuid() != 0 {
		return // an ordinary user's mmdebstrap makes namespaces of its own
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	host, fifo := filepath.Join(dir, "host"), filepath.Join(dir, "bound")
	kept := filepath.Join(host, "PostgreSQL.1")
	if err := errors.Join(os.Mkdir(host, 0o755), os.WriteFile(kept, nil, 0o600), unix.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	tool := fmt.Sprintf(`#!/bin/sh
for arg; do case $arg in */root) tree=$arg;; esac; done
mkdir -p "$tree/dev/shm" && mount --bind %s "$tree/dev/shm" && echo bound >%s
sleep 1000
`, host, fifo)
	if err := os.WriteFile(filepath.Join(dir, "mmdebstrap"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	s, err := Open(filepath.Join(dir, "images"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = os.ReadFile(fifo)
		cancel()
	}()
	if _, err := s.Build(ctx, Recipe{Packages: []string{"bash"}}); err == nil {
		t.Error("a killed build succeeded")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("a mount is left: %v\n%s", err, mounts)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "images", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
