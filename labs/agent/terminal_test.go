package main

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestShellSurvivesItsConnection(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	s := attach(t, c, "main")
	s.typeLine("mark=kept; echo pid=$$")
	pid := s.sees(`pid=(\d+)\r`)[1]
	c.Close()

	s = attach(t, r.client(t), "main")
	s.sees(`pid=` + pid) // the screen is back
	s.typeLine("echo again=$$ $mark")
	s.sees(`again=` + pid + ` kept\r`)
	s.typeLine("exit 42")
	if got := exitStatus(<-s.end); got != 42 {
		t.Errorf("status %d, want 42", got)
	}
	// The last terminal is gone: a new one is made.
	s = attach(t, r.client(t), "main")
	s.typeLine("echo new=$$")
	if got := s.sees(`new=(\d+)\r`)[1]; got == pid {
		t.Error("the shell that exited answered")
	}
}

// What is printed while nobody is attached is there afterwards, and the
// program is not held up.
func TestOutputWhileDetached(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	s := attach(t, c, "main")
	s.typeLine("read x; seq 200000; echo done > " + r.root + "/done; echo the-$((40+2))nd")
	s.sees(`read x`)
	s.typeLine("")
	c.Close()
	until(t, "the command has run to its end", func() bool {
		_, err := os.Stat(r.root + "/done")
		return err == nil
	})
	attach(t, r.client(t), "main").sees(`200000\r\nthe-42nd`)
}

func TestUnnamedSessionsGetTheirOwnTerminals(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	first, second := attach(t, c, ""), attach(t, c, "")
	first.typeLine("echo a=$$")
	second.typeLine("echo a=$$")
	pid := first.sees(`a=(\d+)\r`)[1]
	if second.sees(`a=(\d+)\r`)[1] == pid {
		t.Fatal("two sessions share a terminal that neither named")
	}
	first.sess.Close()
	t.Log("first ended:", <-first.end)
	until(t, "the first terminal is free", func() bool {
		h, err := r.sandbox(t).Hello(t.Context())
		return err == nil && h.Attached == 1 && len(h.Terminals) == 2
	})
	third := attach(t, c, "")
	third.sees(`a=` + pid)
}

func TestResize(t *testing.T) {
	t.Parallel()
	s := attach(t, launch(t).client(t), "main")
	s.typeLine("while :; do echo size $(stty size).; read -t 0.05 x; done")
	s.sees(`size 24 80\.`)
	if err := s.sess.WindowChange(50, 132); err != nil {
		t.Fatal(err)
	}
	s.sees(`size 50 132\.`)
	// Nonsense is cut to what a terminal can be, and the session goes on.
	if err := s.sess.WindowChange(70000, 0); err != nil {
		t.Fatal(err)
	}
	s.sees(`size 1000 80\.`)
}

// A full-screen program is told to draw itself when somebody comes back.
func TestReattachRedraws(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	s := attach(t, c, "main")
	s.typeLine(`trap 'printf "drawn$((n+=1))."' WINCH; printf '\033[?1049h\033[?1hsecret %s' picture; while :; do read -t 0.02 x; done`)
	s.sees(`secret picture`)
	c.Close()
	s = attach(t, r.client(t), "main")
	s.sees(`drawn\d`)
	if text := s.String(); !strings.Contains(text, "\x1b[?1049h") || strings.Contains(text, "secret picture") {
		t.Errorf("replay: %q", text)
	}
}

func TestShellWithoutTerminal(t *testing.T) {
	t.Parallel()
	sess, err := launch(t).client(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	sess.Stdin = strings.NewReader("echo one\nexit 6\n")
	var out strings.Builder
	sess.Stdout = &out
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	if got := exitStatus(sess.Wait()); got != 6 || out.String() != "one\n" {
		t.Errorf("status %d, output %q", got, out.String())
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	c := launch(t).client(t)
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "no-such-request"} {
		if ok, err := sess.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: granted %v, %v", kind, ok, err)
		}
	}
	if err := sess.RequestSubsystem("no-such-subsystem"); err == nil {
		t.Error("an unknown subsystem was granted")
	}
	if _, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("remote forwarding was granted")
	}
	for _, addr := range []string{"10.0.0.1:80", "169.254.169.254:80", "example.com:80", "127.0.0.2:80"} {
		if _, err := c.Dial("tcp", addr); err == nil || !strings.Contains(err.Error(), "prohibited") {
			t.Errorf("forward to %s: %v", addr, err)
		}
	}
	if _, err := c.Dial("unix", "/run/docker.sock"); err == nil {
		t.Error("forwarding to a Unix socket was granted")
	}
	if err := attachErr(c, strings.Repeat("x", 65)); err == nil {
		t.Error("a terminal of any name was granted")
	}
}

func attachErr(c *ssh.Client, name string) error {
	sess, err := c.NewSession()
	if err != nil {
		return err
	}
	defer sess.Close()
	return sess.Setenv("CMH_SESSION", name)
}
