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

// A full-screen program that nobody disturbed is there again, drawn by us: it
// is not asked to draw itself.
func TestReattachShowsTheScreen(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	s := attach(t, c, "main")
	s.typeLine(`PS1=; trap 'printf dr%s awn' WINCH; printf '\033[?1049h\033[?1h\033[5;10Hpicture-%s\033[6n' here; while :; do read -t 0.02 x; done`)
	s.sees(`picture-here`)
	c.Close()
	s = attach(t, r.client(t), "main")
	s.sees(`(?s)\x1b\[\?1049h.*\x1b\[5;1H {9}picture-here.*\x1b\[\?1h`)
	if text := s.String(); strings.Contains(text, "drawn") || strings.Contains(text, "\x1b[6n") {
		t.Errorf("%q", text)
	}
}

// Two who attach to one terminal see it live. Programs have the size of the one
// who did something last; questions reach that one's terminal only.
func TestTwoAtOneTerminal(t *testing.T) {
	t.Parallel()
	r := launch(t)
	a := attach(t, r.client(t), "main")
	a.typeLine("echo first-$((40+2))")
	a.sees(`first-42\r`)
	b := attach(t, r.client(t), "main")
	b.sees(`first-42\r`)
	if err := b.sess.WindowChange(10, 40); err != nil {
		t.Fatal(err)
	}
	b.typeLine("stty size; printf 'ask\\033[6n%s\\n' ed-$((40+2))")
	b.sees(`10 40\r(?s:.*)ask\x1b\[6ned-42\r`)
	a.sees(`asked-42`)
	if strings.Contains(a.String(), "\x1b[6n") {
		t.Error("a question reached two terminals")
	}
	a.typeLine("stty size; echo last-$((40+2))")
	a.sees(`24 80\r(?s:.*)last-42\r`)
	b.sees(`last-42`)
	b.sess.Close()
	a.typeLine("exit 3")
	if got := exitStatus(<-a.end); got != 3 {
		t.Errorf("status %d", got)
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

// Who looks on sees the terminal live, can do nothing there, and whoever is at
// it is told.
func TestWatch(t *testing.T) {
	t.Parallel()
	r := launch(t)
	a := attach(t, r.client(t), "main")
	a.typeLine("echo one-$((40+2))")
	a.sees(`one-42\r`)
	w := attachWith(t, r.client(t), map[string]string{"CMH_WATCH": "Ada\x1b[31m\n"})
	w.sees(`one-42`)
	a.sees(`\[ Ada\[31m looks on here\. Not any more: cmh lab share off \]`)
	if err := w.sess.WindowChange(5, 20); err != nil {
		t.Fatal(err)
	}
	w.typeLine("touch " + r.root + "/typed; exit 9")
	if err := w.sess.Signal(ssh.SIGKILL); err != nil {
		t.Fatal(err)
	}
	a.typeLine("stty size; printf '\\033]0;title\\007\\033[6nlive-%s\\n' $((40+2))")
	a.sees(`24 80\r(?s:.*)live-42`)
	w.sees(`live-42`)
	if text := w.String(); strings.Contains(text, "title\a") || strings.Contains(text, "\x1b[6n") {
		t.Errorf("%q", text)
	}
	if _, err := os.Stat(r.root + "/typed"); err == nil {
		t.Error("who looks on has typed")
	}
	w.sess.Close()
	a.sees(`no longer looks on`)
	if err := attachErr(r.client(t), "x"); err != nil {
		t.Error(err)
	}
	none := attachWith(t, launch(t).client(t), map[string]string{"CMH_WATCH": "Ada"})
	if got := exitStatus(<-none.end); got != 1 {
		t.Errorf("status %d without a terminal", got)
	}
}

// What the platform has to say on attaching is a line beside the prompt.
func TestNotice(t *testing.T) {
	t.Parallel()
	s := attachWith(t, launch(t).client(t), map[string]string{"CMH_NOTICE": "This is recorded."})
	s.sees(`\r\n\S*\[ This is recorded\. \]`)
}
