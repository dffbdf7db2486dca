package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "agent")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "lab-agent")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// A running agent, outside a sandbox. It is the labs.Driver of itself.
type running struct {
	labs.Driver
	root string
	pid  int
}

func (r running) Dial(ctx context.Context, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(r.root, "s"))
}

func launch(t *testing.T) running {
	t.Helper()
	// Not t.TempDir: its long names don't fit into a socket's address.
	root, err := os.MkdirTemp("", "lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"root", "run"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "-listen", filepath.Join(root, "s"), "-root", root)
	cmd.Env = []string{"SECRET=of the host"}
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killTree(cmd.Process.Pid)
		_ = cmd.Wait()
		if log.Len() > 0 {
			t.Logf("agent: %s", log.String())
		}
		os.RemoveAll(root)
	})
	r := running{root: root, pid: cmd.Process.Pid}
	until(t, "the agent listens", func() bool {
		c, err := r.Dial(t.Context(), "")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return r
}

// killTree kills an agent and whatever it started: they are all below it,
// orphans too.
func killTree(pid int) {
	for _, c := range children(pid) {
		killTree(c)
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func children(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range tasks {
		b, _ := os.ReadFile(f)
		for _, s := range strings.Fields(string(b)) {
			var n int
			_, _ = fmt.Sscan(s, &n)
			pids = append(pids, n)
		}
	}
	return pids
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (r running) client(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := labs.Connect(t.Context(), r, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (r running) sandbox(t *testing.T) *labs.Sandbox {
	t.Helper()
	s, err := labs.Open(t.Context(), r, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (r running) exec(t *testing.T, cmd string) (stdout, stderr string, status int) {
	t.Helper()
	s, err := labs.Open(t.Context(), r, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o, e, status, err := s.Run(t.Context(), cmd, nil)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(o), string(e), status
}

// A window is one attached terminal as its client sees it.
type window struct {
	t    *testing.T
	sess *ssh.Session
	in   io.Writer
	mu   sync.Mutex
	text []byte
	end  chan error
}

func attach(t *testing.T, c *ssh.Client, name string) *window {
	t.Helper()
	if name == "" {
		return attachWith(t, c, nil)
	}
	return attachWith(t, c, map[string]string{proto.SessionEnv: name})
}

func attachWith(t *testing.T, c *ssh.Client, env map[string]string) *window {
	t.Helper()
	return attachAs(t, c, 80, "xterm", env, ssh.TerminalModes{})
}

func attachAs(t *testing.T, c *ssh.Client, columns int, term string, env map[string]string, modes ssh.TerminalModes) *window {
	t.Helper()
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range env {
		if err := sess.Setenv(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := sess.RequestPty(term, 24, columns, modes); err != nil {
		t.Fatal(err)
	}
	s := &window{t: t, sess: sess, end: make(chan error, 1)}
	sess.Stdout = s
	if s.in, err = sess.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	go func() { s.end <- sess.Wait() }()
	return s
}

func (s *window) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

func (s *window) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

func (s *window) typeLine(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

// sees waits until the screen shows what the pattern says.
func (s *window) sees(pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var m []string
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); ; <-tick.C {
		if m = re.FindStringSubmatch(s.String()); m != nil {
			return m
		}
		if time.Now().After(end) {
			s.t.Fatalf("no %q on the screen:\n%q", pattern, s.String())
		}
	}
}

func exitStatus(err error) int {
	var e *ssh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitStatus()
	}
	return -1
}
