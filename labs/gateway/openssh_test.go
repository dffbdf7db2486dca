package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

func TestOpenSSHCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	lab := alices + "@HOST"
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  result
	}{
		{"status", []string{lab, "exit 7"}, "", result{"", "", 7}},
		{"by its lab's name", []string{"first-lab@HOST", "echo hi"}, "", result{"hi\n", "", 0}},
		{"killed", []string{lab, "kill -9 $$"}, "", result{"", "", 137}},
		{"two streams", []string{lab, "echo out; echo err >&2"}, "", result{"out\n", "err\n", 0}},
		{"input", []string{lab, "cat"}, "from here", result{"from here", "", 0}},
		{"argument bytes", []string{lab, "printf %s 'a  b\"$x\t\\'"}, "", result{"a  b\"$x\t\\", "", 0}},
		{"a terminal", []string{"-tt", lab, "stty size; exit 4"}, "", result{"24 80\r\n", "", 4}},
		{"commands from a pipe", []string{"-T", lab}, "echo one\nexit 6\n", result{"one\n", "", 6}},
		{"environment", []string{"-o", "SetEnv=LC_ODD=x LD_PRELOAD=y", lab, "echo $LC_ODD-$LD_PRELOAD"}, "", result{"x-\n", "", 0}},
		{"not mine", []string{bobs + "@HOST", "true"}, "", result{"", "There is no running lab of yours by that name. See yours with: cmh lab list\r\n", 5}},
		{"not there", []string{"s-zzzzzzzzzz@HOST", "true"}, "", result{"", "There is no running lab of yours by that name. See yours with: cmh lab list\r\n", 5}},
		{"not running", []string{"second-lab@HOST", "true"}, "", result{"", "You have no running session of that lab. Start one with: cmh lab start\r\n", 5}},
		{"the lobby", []string{"root@HOST", "course list"}, "", result{"lobby of key: course list\n", "", 9}},
	} {
		if got := w.openssh(strings.NewReader(c.stdin), "ssh", c.args...); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := w.openssh(nil, "ssh", "-T", "HOST"); got.status != 0 || !strings.Contains(got.out, "ssh SESSION@HOST") {
		t.Errorf("help: %+v", got)
	}
	// No key at all: a guest, in the lobby only.
	noKey := []string{"-o", "PubkeyAuthentication=no"}
	if got := w.openssh(nil, "ssh", append(noKey, "HOST", "x")...); got.out != "lobby of guest: x\n" {
		t.Errorf("guest: %+v", got)
	}
	if got := w.openssh(nil, "ssh", append(noKey, alices+"@HOST", "true")...); got.status != 5 {
		t.Errorf("guest at a lab: %+v", got)
	}
}

// The reader goes away: the writer must not go on for ever.
func TestOpenSSHYesHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	_, port, _ := net.SplitHostPort(w.addr)
	script := fmt.Sprintf(`ssh -F none -p %s -i %s -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR %s@127.0.0.1 %%s | head -1`,
		port, w.key, "%s")
	for user, cmd := range map[string]string{alices: "yes", "root": "flood"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		out, err := exec.CommandContext(ctx, "sh", "-c", fmt.Sprintf(script, user, cmd)).Output()
		cancel()
		if err != nil || string(out) != "y\n" {
			t.Errorf("%s: %q, %v", cmd, out, err)
		}
	}
}

func TestOpenSSHCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	local := filepath.Join(w.home, "file")
	if err := os.WriteFile(local, want, 0o640); err != nil {
		t.Fatal(err)
	}
	inLab := filepath.Join(w.agents["box-a"], "root")
	same := func(what, path string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d of %d bytes, %v", what, len(got), len(want), err)
		}
	}
	for _, args := range [][]string{{}, {"-O"}} { // sftp, and the protocol before it
		up, down := "up"+strings.Join(args, ""), "down"+strings.Join(args, "")
		if r := w.openssh(nil, "scp", append(args, local, alices+"@HOST:"+up)...); r.status != 0 {
			t.Errorf("scp %v: %+v", args, r)
		}
		same("scp up", filepath.Join(inLab, up))
		if r := w.openssh(nil, "scp", append(args, alices+"@HOST:"+up, down)...); r.status != 0 {
			t.Errorf("scp %v: %+v", args, r)
		}
		same("scp down", filepath.Join(w.home, down))
	}
	r := w.openssh(strings.NewReader("put file put\nget put got\nmkdir d\nls\n"), "sftp", "-b", "-", alices+"@HOST")
	if r.status != 0 {
		t.Errorf("sftp: %+v", r)
	}
	same("sftp", filepath.Join(w.home, "got"))
	// In the lobby, and in somebody else's lab, there are no files.
	for _, user := range []string{"root", bobs} {
		if r := w.openssh(nil, "scp", local, user+"@HOST:x"); r.status == 0 {
			t.Errorf("scp to %s: %+v", user, r)
		}
	}
}

func TestOpenSSHForwarding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "served\n")
			c.Close()
		}
	}()
	port := l.Addr().String()
	// The tests' sandbox shares this machine's ports.
	if r := w.openssh(strings.NewReader(""), "ssh", "-W", port, alices+"@HOST"); r.out != "served\n" {
		t.Errorf("own port: %+v", r)
	}
	for name, args := range map[string][]string{
		"from the lobby":        {"-W", port, "root@HOST"},
		"of somebody else":      {"-W", port, bobs + "@HOST"},
		"as a guest":            {"-o", "PubkeyAuthentication=no", "-W", port, alices + "@HOST"},
		"another machine":       {"-W", "10.0.0.1:80", alices + "@HOST"},
		"metadata":              {"-W", "169.254.169.254:80", alices + "@HOST"},
		"another loopback name": {"-W", "127.0.0.2:80", alices + "@HOST"},
		"remote":                {"-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", alices + "@HOST"},
		"remote unix socket":    {"-N", "-o", "ExitOnForwardFailure=yes", "-R", w.home + "/x:127.0.0.1:1", alices + "@HOST"},
		"tunnel":                {"-o", "ExitOnForwardFailure=yes", "-w", "any", alices + "@HOST", "true"},
	} {
		if r := w.openssh(strings.NewReader(""), "ssh", args...); r.status == 0 || strings.Contains(r.out, "served") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Keys are exchanged anew a hundred times in the middle of a stream, whichever
// way it goes, and not a byte of it is another or elsewhere.
func TestOpenSSHRekeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	const size = 100 << 20
	sum := func(seed byte) string {
		h := sha256.New()
		_, _ = io.Copy(h, noise(seed, size))
		return hex.EncodeToString(h.Sum(nil))
	}
	if r := w.openssh(noise(1, size), "ssh", "-o", "RekeyLimit=1M", alices+"@HOST", "sha256sum"); r.status != 0 || r.out != sum(1)+"  -\n" {
		t.Errorf("up: %+v", r)
	}
	if err := os.WriteFile(filepath.Join(w.agents["box-a"], "root", "noise"), readAll(t, noise(2, size)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := w.openssh(nil, "ssh", "-o", "RekeyLimit=1M", alices+"@HOST", "cat noise")
	if got := sha256.Sum256([]byte(r.out)); r.status != 0 || hex.EncodeToString(got[:]) != sum(2) {
		t.Errorf("down: %d of %d bytes, status %d, %s", len(r.out), size, r.status, r.err)
	}
}

// noise is the same for the same seed.
func noise(seed byte, size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), size)
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is typed behind "ssh HOST --" is there in the lab byte by byte, and what
// comes back is, on the stream that it was written to.
func TestOpenSSHBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	var all []byte
	for b := 1; b < 256; b++ {
		all = append(all, byte(b))
	}
	quoted := "'" + strings.ReplaceAll(string(all), "'", `'\''`) + "'"
	if r := w.openssh(nil, "ssh", alices+"@HOST", "--", "printf", "%s", quoted); r != (result{string(all), "", 0}) {
		t.Errorf("out: %q, err: %q, status %d", r.out, r.err, r.status)
	}
	if r := w.openssh(nil, "ssh", alices+"@HOST", "--", "printf", "%s", quoted, ">&2;", "exit", "3"); r != (result{"", string(all), 3}) {
		t.Errorf("out: %q, err: %q, status %d", r.out, r.err, r.status)
	}
	if r := w.openssh(bytes.NewReader(append(all, 0)), "ssh", alices+"@HOST", "--", "cat"); r != (result{string(all) + "\x00", "", 0}) {
		t.Errorf("through cat: %q, err: %q, status %d", r.out, r.err, r.status)
	}
	// A terminal's keys reach the program and end it, and nobody else.
	for _, user := range []string{alices, "x"} {
		bystander := open(t, w.client(user, w.alice), true, "")
		for key, status := range map[string]int{"\x03": 130, "\x1c": 131} {
			s := open(t, w.client(alices, w.alice), true, "exec cat")
			_, _ = io.WriteString(s.in, "there\n")
			s.sees(`there\r\nthere`) // so it is cat that gets the key, and not a shell that is about to start it, which ignores one of them
			_, _ = io.WriteString(s.in, key)
			if got := exitStatus(<-s.end); got != status {
				t.Errorf("%q: status %d, %q", key, got, s.String())
			}
		}
		_, _ = io.WriteString(bystander.in, "echo still-$((40+2))\n")
		bystander.sees(map[string]string{alices: `still-42`, "x": `key a`}[user])
	}
}

// Two sessions over one connection, as OpenSSH's ControlMaster makes them.
func TestOpenSSHControlMaster(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	ctl := []string{"-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", "ControlPath=" + filepath.Join(w.home, "c")}
	ask := func(cmd string) string {
		r := w.openssh(nil, "ssh", append(append([]string{}, ctl...), "root@HOST", cmd)...)
		return r.out
	}
	if got := ask("mark"); got != "marked\n" {
		t.Errorf("first: %q", got)
	}
	if got := ask("marked"); got != "<nil>\n" {
		t.Errorf("the second session sees the first one's value: %q", got)
	}
	if logins := strings.Count(w.log.String(), "ssh login"); logins != 1 {
		t.Errorf("%d logins for two sessions on one connection", logins)
	}
	w.openssh(nil, "ssh", append(ctl, "-O", "exit", "root@HOST")...)
}
