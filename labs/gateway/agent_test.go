package gateway_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func startAgent(t *testing.T, root string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), agentBinary, "-listen", filepath.Join(root, "s"), "-root", root)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killTree(cmd.Process.Pid)
		_ = cmd.Wait()
	})
	until(t, "the agent listens", func() bool {
		c, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(root, "s"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return root
}

// stopAgent kills the agent of a sandbox, and what it has started.
func (w *world) stopAgent(id string) {
	w.t.Helper()
	agents, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range agents {
		if b, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(b), "\x00-root\x00"+w.agents[id]+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			killTree(pid)
			return
		}
	}
	w.t.Fatal("no agent of", id)
}

func killTree(pid int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		b, _ := os.ReadFile(f)
		for _, s := range strings.Fields(string(b)) {
			var n int
			_, _ = fmt.Sscan(s, &n)
			killTree(n)
		}
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
