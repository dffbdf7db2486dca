package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestExecStatus(t *testing.T) {
	t.Parallel()
	r := launch(t)
	for cmd, want := range map[string]int{
		"true": 0, "exit 7": 7, "exit 255": 255, "kill -TERM $$": 143, "kill -9 $$": 137,
		"no-such-command": 127, "/etc/passwd": 126,
	} {
		if _, _, got := r.exec(t, cmd); got != want {
			t.Errorf("%s: status %d, want %d", cmd, got, want)
		}
	}
}

func TestExecStreams(t *testing.T) {
	t.Parallel()
	r := launch(t)
	out, errs, _ := r.exec(t, "echo to out; echo to err >&2")
	if out != "to out\n" || errs != "to err\n" {
		t.Errorf("stdout %q, stderr %q", out, errs)
	}
	// Bytes of the command line come through as they are.
	odd := "\x01\xff é '\"\\ \t$"
	out, _, _ = r.exec(t, "printf %s '"+strings.ReplaceAll(odd, "'", `'\''`)+"'")
	if out != odd {
		t.Errorf("argument came back as %q, want %q", out, odd)
	}
}

func TestExecCarriesBytesBothWays(t *testing.T) {
	t.Parallel()
	r := launch(t)
	data := make([]byte, 3<<20)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(data)
	out, _, status, err := r.sandbox(t).Run(t.Context(), "cat; exit 3", bytes.NewReader(data))
	if err != nil || status != 3 || sha256.Sum256(out) != sha256.Sum256(data) {
		t.Fatalf("%d of %d bytes, status %d, %v", len(out), len(data), status, err)
	}
}

func TestExecEnvironmentIsClean(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]bool{
		"LANG": true, "LC_TIME": true, "COLORTERM": true,
		"LD_PRELOAD": false, "BASH_ENV": false, "PATH": false, "LC_X=Y": false,
	} {
		if err := sess.Setenv(k, "C.UTF-8"); (err == nil) != want {
			t.Errorf("env %s: %v", k, err)
		}
	}
	out, err := sess.Output("env; ls /proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if s := string(out); strings.Contains(s, "SECRET") || !strings.Contains(s, "LC_TIME=C.UTF-8") {
		t.Errorf("environment: %s", s)
	}
	if !strings.HasSuffix(string(out), "\n0\n1\n2\n3\n") { // 3 is ls's own
		t.Errorf("descriptors: %s", out)
	}
}

// A daemon that keeps the output open must not keep the session; it lives on.
func TestExecLeavesDaemonsBehind(t *testing.T) {
	t.Parallel()
	r := launch(t)
	began := time.Now()
	out, _, status := r.exec(t, "sleep 1000 & setsid sleep 1000 & echo $!; exit 4")
	if status != 4 || time.Since(began) > 5*time.Minute { // the daemon takes a quarter of an hour
		t.Fatalf("status %d after %v", status, time.Since(began))
	}
	if _, _, status := r.exec(t, "kill -0 "+strings.TrimSpace(out)); status != 0 {
		t.Error("the daemon was killed with its session")
	}
}

func TestExecEndsWithItsClient(t *testing.T) {
	t.Parallel()
	r := launch(t)
	c := r.client(t)
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.Start("echo $$; sleep 1000"); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	c.Close()
	until(t, "the command has ended", func() bool { return gone(pid) })
}

func gone(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return os.IsNotExist(err)
}

func TestExecPassesSignals(t *testing.T) {
	t.Parallel()
	sess, err := launch(t).client(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.Start("trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := sess.Signal(ssh.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := exitStatus(sess.Wait()); got != 9 {
		t.Errorf("status %d, want 9", got)
	}
}

// Once the client has said that it reads no more, writing ends the command.
func TestExecHearsThatNobodyReads(t *testing.T) {
	t.Parallel()
	sess, err := launch(t).client(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.Start("yes"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := sess.SendRequest("eow@openssh.com", false, nil); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // OpenSSH goes on taking what is under way
	if got := exitStatus(sess.Wait()); got != 141 {
		t.Errorf("status %d, want 141 (SIGPIPE)", got)
	}
}

func TestExecWithTerminal(t *testing.T) {
	t.Parallel()
	sess, err := launch(t).client(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestPty("screen-256color", 0, 0, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		t.Fatal(err)
	}
	out, err := sess.Output("stty size; stty -a | grep -o -- '-echo '; echo $TERM; printf 'a\\nb'; exit 5")
	if got := exitStatus(err); got != 5 {
		t.Errorf("status %d, want 5", got)
	}
	if want := "24 80\r\n-echo \r\nscreen-256color\r\na\r\nb"; string(out) != want {
		t.Errorf("output %q, want %q", out, want)
	}
}

// Nothing printed before the end is lost, whatever the size.
func TestExecLosesNoOutput(t *testing.T) {
	t.Parallel()
	r := launch(t)
	for _, n := range []int{1, 65536, 65537, 1 << 20} {
		out, _, status := r.exec(t, fmt.Sprintf("head -c %d /dev/zero; exit 6", n))
		if len(out) != n || status != 6 {
			t.Errorf("%d of %d bytes, status %d", len(out), n, status)
		}
	}
}

func TestReaping(t *testing.T) {
	t.Parallel()
	r := launch(t)
	r.exec(t, "for i in $(seq 200); do (sleep 0.01 &) ; done")
	until(t, "no zombie is left", func() bool {
		for _, pid := range children(r.pid) {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if bytes.Contains(b, []byte(") Z ")) || bytes.Contains(b, []byte("(sleep)")) {
				return false
			}
		}
		return true
	})
}

// Root inside must not look into process 1, nor end it.
func TestAgentSurvivesAndKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	r := launch(t)
	before, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil || !bytes.HasPrefix(before, []byte("Name:\tlab-agent\n")) {
		t.Errorf("status %q, %v", before, err)
	}
	for sig := 1; sig <= 64; sig++ {
		if sig == 9 || sig == 19 || sig >= 32 && sig <= 34 { // KILL, STOP; libc's own, which only process 1 is spared
			continue
		}
		r.exec(t, fmt.Sprintf("kill -%d %d", sig, r.pid))
	}
	if out, _, _ := r.exec(t, "echo alive"); out != "alive\n" {
		t.Errorf("after all signals: %q", out)
	}
	fi, err := os.Stat(filepath.Join("/proc", fmt.Sprint(r.pid), "environ"))
	if err != nil || fi.Mode().Perm() != 0o400 {
		t.Errorf("environ: %v, %v", fi, err)
	}
}

// Sessions that ended leave no descriptor and no process in the agent.
func TestSessionsLeaveNothing(t *testing.T) {
	t.Parallel()
	r := launch(t)
	open := func() int {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	r.exec(t, "true") // whatever is opened once
	before := open()
	for i := range 40 {
		c := r.client(t)
		sess, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := sess.RequestPty("xterm", 24, 80, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := sess.Start("sleep 1000"); err != nil {
			t.Fatal(err)
		}
		c.Close() // dropped, not ended
	}
	until(t, "all is closed", func() bool { return open() <= before && len(children(r.pid)) == 0 })
}
