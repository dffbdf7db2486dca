// Package labstest runs the real agent without a sandbox around it, for tests
// of what stands above the drivers: it needs no privileges, no image and no
// cgroup. Scripts run on the host, in a folder of their own, so a test gives it
// only scripts that it wrote itself. Isolation is package drivertest's business.
package labstest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/heirtest"
)

// agent is the path of the agent's binary, built when first asked for. Go's
// own cache makes it cheap the second time.
var agent = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cmh-agent")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, "lab-agent")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", built, "github.com/cloudmastershub/cmh/labs/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the agent: %w\n%s", err, out)
	}
	// Test binaries have no end of their own to clean up at, so each replaces
	// what the one before left.
	kept := filepath.Join(os.TempDir(), "cmh-test-agent-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(kept, "lab-agent")
	return path, os.Rename(built, path)
})

// Driver is a labs.Driver whose sandboxes are folders. Two of one State see the
// same sandboxes, as two processes would.
type Driver struct {
	State string
	bin   string
}

// New returns a driver with an empty state. Its sandboxes end with the test.
func New(t testing.TB) Driver {
	t.Helper()
	bin, err := agent()
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "lab") // t.TempDir's long names don't fit into a socket's address
	if err != nil {
		t.Fatal(err)
	}
	heirtest.Leave(t, state)
	d := Driver{State: state, bin: bin}
	t.Cleanup(func() {
		ids, _ := d.List(context.Background())
		for _, id := range ids {
			_ = d.Destroy(context.Background(), id)
		}
		os.RemoveAll(state)
	})
	return d
}

// Home is where the scripts of sandbox id run.
func (d Driver) Home(id string) string { return filepath.Join(d.State, id, "root") }

// Create is labs.Driver's. It knows no images.
func (d Driver) Create(ctx context.Context, spec labs.Spec) error {
	if spec.Image != "" {
		return labs.ErrNoImage
	}
	dir := filepath.Join(d.State, spec.ID)
	if spec.From != "" {
		if err := d.restore(ctx, spec); err != nil {
			return err
		}
	}
	for _, sub := range []string{"root", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if conn, err := d.Dial(ctx, spec.ID); err == nil {
		return conn.Close()
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), d.bin, "-listen", filepath.Join(dir, "s"), "-root", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // reaps it whenever it dies
	if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := d.Dial(ctx, spec.ID)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), d.Destroy(context.WithoutCancel(ctx), spec.ID))
		}
	}
}

// Dial is labs.Driver's.
func (d Driver) Dial(ctx context.Context, id string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(d.State, id, "s"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, labs.ErrNotFound
	}
	return conn, err
}

// Kill ends every process of a sandbox and leaves its folder, as a crash would.
func (d Driver) Kill(id string) {
	b, err := os.ReadFile(filepath.Join(d.State, id, "pid"))
	if pid, convErr := strconv.Atoi(string(b)); err == nil && convErr == nil {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it must not start or adopt anything meanwhile
		for _, child := range below(pid) {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// Destroy is labs.Driver's.
func (d Driver) Destroy(_ context.Context, id string) error {
	d.Kill(id)
	return os.RemoveAll(filepath.Join(d.State, id))
}

// List is labs.Driver's.
func (d Driver) List(context.Context) ([]string, error) {
	entries, err := os.ReadDir(d.State)
	var ids []string
	for _, e := range entries {
		if e.Name() != keptFolder {
			ids = append(ids, e.Name())
		}
	}
	return ids, err
}

// below lists the descendants of a process: an agent adopts its orphans.
func below(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		b, _ := os.ReadFile(f)
		for _, s := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(s); err == nil {
				pids = append(pids, n)
				pids = append(pids, below(n)...)
			}
		}
	}
	return pids
}
