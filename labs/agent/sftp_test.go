package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func TestSFTP(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c, err := sftp.NewClient(r.client(t))
	if err != nil {
		t.Fatal(err)
	}
	// It begins at home, as sftp and scp expect.
	if wd, err := c.Getwd(); err != nil || wd != filepath.Join(r.root, "root") {
		t.Errorf("%q, %v", wd, err)
	}
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	f, err := c.Create("up")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(want); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if f, err = c.Open("up"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
	}
	f.Close()
	c.Close()
	until(t, "the server process has ended", func() bool { return len(children(r.pid)) == 0 })
}

// Files are served by a child, so that /proc/self is not the agent.
func TestSFTPIsNotTheAgent(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c, err := sftp.NewClient(r.client(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.Open("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(f, &pid); err != nil || pid == r.pid {
		t.Errorf("served by process %d (%v), the agent is %d", pid, err, r.pid)
	}
	score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
	if err != nil || strings.TrimSpace(string(score)) != "800" {
		t.Errorf("oom_score_adj %q, %v", score, err)
	}
}

func TestForwardToOwnPort(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
			conn.Close()
		}
	}()
	conn, err := launch(t).client(t).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

// Only the lab's own ports can be reached, however an address is written:
// somebody who listens at another one hears nothing.
func TestForwardToOthersIsRefused(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
			close(heard)
		}
	}()
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := launch(t).client(t)
	for _, host := range []string{"127.0.0.2", "127.2", "2130706434", "0x7f000002", "::ffff:127.0.0.2", "0.0.0.0", "", "169.254.169.254", "localhost.localdomain"} {
		ch, _, err := c.OpenChannel("direct-tcpip", ssh.Marshal(struct {
			Host       string
			Port       uint32
			OriginHost string
			OriginPort uint32
		}{host, portNumber(t, port), "127.0.0.1", 1}))
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != ssh.Prohibited {
			t.Errorf("%q: %v", host, err)
			if err == nil {
				ch.Close()
			}
		}
	}
	select {
	case <-heard:
		t.Error("somebody else's port was reached")
	default:
	}
}

func portNumber(t *testing.T, s string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
