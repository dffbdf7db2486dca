package gateway_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// Without the learner's consent a session to look on in is as one that isn't
// there; with it, it can be seen and nothing else.
func TestLookOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	a := open(t, w.client(alices, w.alice), true, "")
	_, _ = io.WriteString(a.in, "echo one-$((40+2))\n")
	a.sees(`one-42\r`)

	refused := func(who string, user string, keys ...gossh.Signer) {
		t.Helper()
		s := open(t, w.client(user, keys...), true, "")
		if got := exitStatus(<-s.end); got != 5 || !strings.Contains(s.String(), "There is no running lab of yours by that name.") {
			t.Errorf("%s: status %d, %q", who, got, s.String())
		}
	}
	refused("not shared", "watch-"+alices, w.bob)
	refused("not there", "watch-s-zzzzzzzzzz", w.bob)
	w.shared.Store(true)
	refused("somebody else", "watch-"+alices, signer(t))
	refused("a guest", "watch-"+alices)
	refused("the other door", alices, w.bob)

	c := w.client("watch-"+alices, w.bob)
	b := open(t, c, true, "")
	b.sees(`one-42`)
	a.sees(`\[ bob looks on here\.`)
	_, _ = io.WriteString(b.in, "touch "+filepath.Join(w.agents["box-a"], "typed")+"\n")
	_ = b.sess.WindowChange(10, 40)
	_ = b.sess.Signal(gossh.SIGKILL)
	for _, cmd := range []string{"id", "cat /etc/passwd"} {
		if r := run(t, c, cmd); r.status != 2 || r.out != "" || !strings.Contains(r.err, "runs no commands") {
			t.Errorf("%s: %+v", cmd, r)
		}
	}
	if s, err := c.NewSession(); err != nil {
		t.Error(err)
	} else if _ = s.RequestSubsystem("sftp"); s.Start("id") == nil {
		t.Error("a session that asked for sftp goes on")
	}
	if _, err := c.Dial("tcp", "127.0.0.1:80"); err == nil || !strings.Contains(err.Error(), "prohibited") {
		t.Errorf("a port of the lab: %v", err)
	}
	if _, err := c.NewSession(); err != nil {
		t.Error(err)
	}
	_, _ = io.WriteString(a.in, "stty size; echo two-$((40+2))\n")
	a.sees(`24 80\r\n(?s:.*)two-42\r`)
	b.sees(`two-42`)
	if _, err := os.Stat(filepath.Join(w.agents["box-a"], "typed")); err == nil {
		t.Error("who looks on has typed")
	}

	// The consent ends, and so does the view.
	w.shared.Store(false)
	if got := exitStatus(<-b.end); got != 255 || !strings.Contains(b.String(), "no longer shares") {
		t.Errorf("status %d, %q", got, b.String())
	}
	a.sees(`bob no longer looks on`)
	_, _ = io.WriteString(a.in, "exit 4\n")
	if got := exitStatus(<-a.end); got != 4 {
		t.Errorf("status %d", got)
	}
	until(t, "only the learner has left", func() bool { return w.seen() == "+box-a -box-a" })
}

// The keys that end programs end looking on.
func TestLeaveLookingOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	w.shared.Store(true)
	a := open(t, w.client(alices, w.alice), true, "")
	_, _ = io.WriteString(a.in, "echo one-$((40+2))\n")
	a.sees(`one-42\r`)
	b := open(t, w.client("watch-"+alices, w.bob), true, "")
	b.sees(`one-42`)
	_, _ = io.WriteString(b.in, "\x03")
	if got := exitStatus(<-b.end); got != 0 {
		t.Errorf("status %d, %q", got, b.String())
	}
}

// A recording has what was printed and how large the terminal was. What is
// typed where nothing is shown is not in it.
func TestRecording(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	w.record.Store(true)
	s := open(t, w.client(alices, w.alice), true, "")
	s.sees(`\[ This shell is recorded\. \]`)
	_, _ = io.WriteString(s.in, "read -rsp 'Pass''word: ' x; echo got-${#x}\n")
	s.sees(`Password: `)
	_, _ = io.WriteString(s.in, "hunter2hunter2\n")
	s.sees(`got-14\r`)
	if err := s.sess.WindowChange(30, 100); err != nil {
		t.Fatal(err)
	}
	until(t, "the new size is recorded", func() bool { return strings.Contains(w.recorded.String(), "<100x30>") })
	_, _ = io.WriteString(s.in, "exit\n")
	t.Log("the shell ended:", <-s.end)
	until(t, "the recording has ended", func() bool { return strings.HasSuffix(w.recorded.String(), "<end>") })
	text := w.recorded.String()
	if !strings.HasPrefix(text, "<box-a xterm 80x24>") || !strings.Contains(text, "got-14\r\n") || strings.Contains(text, "hunter2") {
		t.Errorf("%q", text)
	}
	// Commands are no shells.
	run(t, w.client(alices, w.alice), "echo not-recorded")
	if got := w.recorded.String(); got != text {
		t.Errorf("%q", strings.TrimPrefix(got, text))
	}
}
