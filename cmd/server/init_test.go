package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// As the first process of a container the server collects what isn't its own
// and ends there; it stops when it is told to, and so does its database.
func TestFirstProcessCollectsOrphans(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("a pid namespace needs root")
	}
	s := newServer(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.CommandContext(t.Context(), "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", self, "serve")
	s.cmd.Env, s.cmd.Stderr = s.env, &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if !readyLine.MatchString(line) {
		t.Fatalf("the server did not start: %q, %v: %v\n%s", line, err, s.cmd.Wait(), &s.log)
	}
	first := children(t, s.cmd.Process.Pid)[0]

	// An orphan joins it, and ends.
	in := exec.CommandContext(t.Context(), "nsenter", "-t", strconv.Itoa(first), "-p", "-m", "sh", "-c", "(true &) & wait")
	if out, err := in.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); len(children(t, first)) > 1; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not collected, beside the server: %v", children(t, first))
		}
	}

	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("stop: %v\n%s", err, &s.log)
	}
}

func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, f := range tasks {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(raw)) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	if len(pids) == 0 {
		t.Fatalf("%d has no children", pid)
	}
	return pids
}
