// Package drivertest is the conformance suite of sandbox drivers: the comment
// of labs.Driver, as tests, and what holds inside every sandbox whatever made
// it.
//
// What only one kind of driver promises (mounts, cgroups, namespaces) is
// tested beside that driver.
package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

// Features are what a driver on this machine can enforce.
type Features struct {
	Limits bool // memory and processes
	UIDs   bool // many users inside, none of them one outside

	// Unbounded says that a sandbox's files can fill the host's disk.
	Unbounded bool
	// Bound says that /etc/hosts and its like are mounts of an engine's, which
	// can be written and not replaced.
	Bound bool
}

// Open returns a driver on the same state each time, as a restarted server
// would open it.
type Open func(t *testing.T) labs.Driver

// Run holds the driver to labs.Driver's comment.
func Run(t *testing.T, image string, f Features, open Open) {
	d := open(t)
	s := suite{d: d, image: image, features: f, open: open}
	t.Run("create twice, dial, destroy twice", s.idempotent)
	t.Run("many creates of one id at once", s.sameIDAtOnce)
	t.Run("sandboxes side by side", s.sideBySide)
	t.Run("unknown ids", s.unknown)
	t.Run("a failed create leaves nothing", s.failedCreate)
	t.Run("a cancelled create leaves nothing", s.cancelled)
	t.Run("a later driver takes over", s.reopened)
	t.Run("claim one that waits", s.claim)
	t.Run("many claims of one at once", s.claimRush)
	t.Run("process 1 survives signals from inside", s.signals)
	t.Run("the second lab sees nothing of the first", s.residue)
	t.Run("the command lab inside", s.desk)
	t.Run("keeping", s.keeping)
	t.Run("inside", s.inside)
	t.Run("bombs", s.bombs)
}

type suite struct {
	d        labs.Driver
	image    string
	features Features
	open     Open
}

func (s suite) spec(id string) labs.Spec { return labs.Spec{ID: id, Image: s.image} }

// sandbox makes one that ends with the test.
func (s suite) sandbox(t *testing.T, spec labs.Spec) *ssh.Client {
	t.Helper()
	spec.Image = s.image
	t.Cleanup(func() {
		if err := s.d.Destroy(context.Background(), spec.ID); err != nil {
			t.Errorf("destroy %s: %v", spec.ID, err)
		}
	})
	if err := s.d.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return Connect(t, s.d, spec.ID)
}

// Connect is an SSH connection to a sandbox's agent that ends with the test.
func Connect(t testing.TB, d labs.Driver, id string) *ssh.Client {
	t.Helper()
	conn, err := d.Dial(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, id, &ssh.ClientConfig{User: "root", HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		conn.Close()
		t.Fatal(err)
	}
	client := ssh.NewClient(c, chans, reqs)
	t.Cleanup(func() { client.Close() })
	return client
}

// Exec runs a command inside and returns its output, both streams together.
func Exec(t testing.TB, c *ssh.Client, command string) (string, error) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	return strings.TrimSpace(string(out)), err
}

func must(t testing.TB, c *ssh.Client, command string) string {
	t.Helper()
	out, err := Exec(t, c, command)
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

func (s suite) list(t *testing.T) []string {
	t.Helper()
	ids, err := s.d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func (s suite) idempotent(t *testing.T) {
	c := s.sandbox(t, s.spec("twice"))
	must(t, c, "echo here >/root/mark")
	if err := s.d.Create(t.Context(), s.spec("twice")); err != nil {
		t.Fatal(err)
	}
	if got := must(t, Connect(t, s.d, "twice"), "cat /root/mark"); got != "here" {
		t.Errorf("a second Create made another sandbox: mark is %q", got)
	}
	if !slices.Contains(s.list(t), "twice") {
		t.Errorf("List doesn't name it: %v", s.list(t))
	}
	for range 2 {
		if err := s.d.Destroy(t.Context(), "twice"); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Contains(s.list(t), "twice") {
		t.Error("List names it after Destroy")
	}
	if _, err := s.d.Dial(t.Context(), "twice"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("Dial after Destroy: %v, want ErrNotFound", err)
	}
}

func (s suite) sameIDAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.d.Create(t.Context(), s.spec("rush")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := must(t, Connect(t, s.d, "rush"), "echo ok"); got != "ok" {
		t.Errorf("got %q", got)
	}
	for range 4 {
		wg.Go(func() {
			if err := s.d.Destroy(t.Context(), "rush"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func (s suite) sideBySide(t *testing.T) {
	var wg sync.WaitGroup
	ids := []string{"side-1", "side-2", "side-3", "side-4"}
	for _, id := range ids {
		wg.Go(func() {
			if err := s.d.Create(t.Context(), s.spec(id)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, id := range ids {
		c := Connect(t, s.d, id)
		must(t, c, "test ! -e /root/mine && echo "+id+" >/root/mine")
		if s.features.UIDs {
			seen[must(t, c, "cat /proc/self/uid_map")] = true
		}
	}
	if s.features.UIDs && len(seen) != len(ids) {
		t.Errorf("sandboxes share uids: %v", seen)
	}
	for _, id := range ids {
		wg.Go(func() {
			if err := s.d.Destroy(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if slices.Contains(s.list(t), id) {
			t.Errorf("%s is still listed", id)
		}
	}
}

func (s suite) unknown(t *testing.T) {
	for _, id := range []string{"nobody", "", "../x", "UPPER", ".", strings.Repeat("x", 41)} {
		if _, err := s.d.Dial(t.Context(), id); !errors.Is(err, labs.ErrNotFound) {
			t.Errorf("Dial(%q): %v, want ErrNotFound", id, err)
		}
		if err := s.d.Destroy(t.Context(), id); err != nil {
			t.Errorf("Destroy(%q): %v", id, err)
		}
	}
	for _, id := range []string{"", "../x", "UPPER", "a/b", strings.Repeat("x", 41)} {
		if err := s.d.Create(t.Context(), s.spec(id)); err == nil {
			t.Errorf("Create(%q) succeeded", id)
		}
	}
}

func (s suite) failedCreate(t *testing.T) {
	before := s.list(t)
	err := s.d.Create(t.Context(), labs.Spec{ID: "no-image", Image: "there-is-no-such-image"})
	if !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("got %v, want ErrNoImage", err)
	}
	if after := s.list(t); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

func (s suite) cancelled(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 15 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		err := s.d.Create(ctx, s.spec("hasty"))
		cancel()
		if err != nil && slices.Contains(s.list(t), "hasty") {
			t.Errorf("after %v: left behind by a Create that said %v", after, err)
		}
		if err := s.d.Destroy(t.Context(), "hasty"); err != nil {
			t.Fatal(err)
		}
	}
}

func (s suite) reopened(t *testing.T) {
	c := s.sandbox(t, s.spec("kept"))
	must(t, c, "echo before >/root/mark; nohup sleep 1234 >/dev/null 2>&1 & until pgrep -x sleep >/dev/null; do :; done")
	later := s.open(t)
	ids, err := later.List(t.Context())
	if err != nil || !slices.Contains(ids, "kept") {
		t.Fatalf("the later driver lists %v, %v", ids, err)
	}
	if got := must(t, Connect(t, later, "kept"), "cat /root/mark; pgrep -x sleep >/dev/null && echo running"); got != "before\nrunning" {
		t.Errorf("got %q", got)
	}
	if err := later.Create(t.Context(), s.spec("kept")); err != nil {
		t.Fatal(err)
	}
	if err := later.Destroy(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.d.Dial(t.Context(), "kept"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("the earlier driver still finds it: %v", err)
	}
}

func (s suite) signals(t *testing.T) {
	c := s.sandbox(t, s.spec("stubborn"))
	for _, sig := range []string{"TERM", "INT", "HUP", "USR1", "SEGV", "KILL", "STOP"} {
		_, _ = Exec(t, c, "kill -"+sig+" 1")
	}
	if got := must(t, Connect(t, s.d, "stubborn"), "echo alive"); got != "alive" {
		t.Errorf("got %q", got)
	}
}

// Three learners after each other, in sandboxes of one name: what the one
// before left in files, memory, processes, connections and the terminal is
// nothing that the next can find.
func (s suite) residue(t *testing.T) {
	const traces = `find / -xdev \( -name "*leftover*" -o -name ".bash_history" -size +0 \) 2>/dev/null
ls -A /dev/shm; ls -A /dev/mqueue
cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | grep -v key
grep -alsx leftover /proc/[0-9]*/comm
grep -ls leftover= /proc/[0-9]*/environ
tail -qn +2 /proc/net/tcp /proc/net/tcp6 /proc/net/udp | grep -v " 0A "
grep -s leftover /proc/net/unix /etc/hosts /etc/passwd /etc/environment
hostname | grep leftover
true`
	for n := range 3 {
		c := s.sandbox(t, labs.Spec{ID: "again", Hostname: "host01"})
		if out, err := Exec(t, c, traces); out != "" || err != nil {
			t.Errorf("learner %d finds: %s, %v", n+1, out, err)
		}
		// What looks for it finds it, so that finding nothing means something.
		must(t, c, `cd; for d in /root /tmp /var/tmp /dev/shm /etc /usr/lib /var/spool; do echo x >$d/leftover; done; echo x >.bash_history
echo leftover >>/etc/hosts; useradd leftover
cp /bin/sleep /tmp/leftover-sleep; (exec -a leftover leftover=1 /tmp/leftover-sleep 1000 >/dev/null 2>&1 &)
python3 -c '
import ctypes, socket, sys
libc = ctypes.CDLL(None)
libc.shmget(7, 4096, 0o1666); libc.semget(7, 1, 0o1666); libc.msgget(7, 0o1666)
l = socket.create_server(("127.0.0.1", 7777)); c = socket.create_connection(("127.0.0.1", 7777)); l.accept()[0].close(); c.close()
open("/tmp/ready", "w")
'; test -e /tmp/ready`)
		if out, _ := Exec(t, c, traces); strings.Count(out, "\n") < 12 {
			t.Errorf("of all that was left only this is found:\n%s", out)
		}
		if err := s.d.Destroy(t.Context(), "again"); err != nil {
			t.Fatal(err)
		}
	}
}

func (s suite) inside(t *testing.T) {
	c := s.sandbox(t, labs.Spec{ID: "inside", Hostname: "host01", Env: map[string]string{"COURSE": "one two"}, Limits: labs.Limits{OpenFiles: 512}})
	for _, tc := range []struct{ name, command, want string }{
		{"root", "id -u", "0"},
		{"host name", "uname -n", "host01"},
		{"host name in files", "cat /etc/hostname", "host01"},
		{"environment", `bash -lc 'echo "$COURSE"'`, "one two"},
		{"no other", "env | grep -c CMH_; true", "0"},
		{"files", "ulimit -n", "512"},
		{"cores", "ulimit -c", "0"},
		{"no device that leads out", "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | grep -vx eth0", "lo"},
		{"loopback is up", "bash -c ': </dev/tcp/127.0.0.1/9' 2>&1 | grep -q refused && echo yes", "yes"},
		{"nobody beside it", "bash -c ': </dev/tcp/172.30.1.3/80' 2>&1 | grep -q unreachable && echo yes", "yes"},
		{"nobody to talk to", "bash -c ': </dev/tcp/169.254.169.254/80' 2>&1 | grep -q unreachable && echo yes", "yes"},
		{"process 1 is the agent", "tr '\\0' ' ' </proc/1/cmdline", "lab-agent"},
		{"its descriptors are closed", "cat /proc/1/fd/3 2>&1 | grep -ci denied", "1"},
		{"its environment too", "cat /proc/1/environ 2>&1 | grep -ci denied", "1"},
		{"ordinary files", map[bool]string{false: "sed -i s/localhost/localhost/ /etc/hosts && echo ok", true: "echo >>/etc/hosts && echo ok"}[s.features.Bound], "ok"},
		{"no kernel settings", "bash -c 'echo 1 >/proc/sys/kernel/panic' 2>&1 | grep -cE 'Read-only|denied'", "1"},
		{"clean descriptors", "ls /proc/self/fd | wc -l", "4"}, // 0 1 2 and ls's own
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Exec(t, c, tc.command)
			if got != tc.want {
				t.Errorf("%s: %q, %v; want %q", tc.command, got, err, tc.want)
			}
		})
	}
	if s.features.UIDs {
		f := strings.Fields(must(t, c, "cat /proc/self/uid_map"))
		if host, err := strconv.Atoi(f[1]); err != nil || f[0] != "0" || host < 100000 || f[2] != "65536" {
			t.Errorf("uid_map is %v", f)
		}
		must(t, c, "chown 1000:1000 /tmp && chown 0:0 /tmp && chmod 1777 /tmp")
	}
}

// bombs are set off inside, and what's around them must not notice.
func (s suite) bombs(t *testing.T) {
	if !s.features.Limits {
		t.Log("memory and processes can't be limited here: bombs stay in their boxes")
		return
	}
	const mb = 1 << 20
	c := s.sandbox(t, labs.Spec{ID: "bombs", Limits: labs.Limits{MemoryBytes: 128 * mb, Pids: 64, DiskBytes: 80 * mb, Inodes: 4096, OpenFiles: 256}})
	neighbour := s.sandbox(t, s.spec("neighbour"))
	calm := func(t *testing.T) {
		t.Helper()
		start := time.Now()
		must(t, neighbour, "echo calm")
		if took := time.Since(start); took > time.Minute {
			t.Errorf("the neighbour waited %v", took)
		}
		// The agent itself must answer still, though nothing may start.
		if _, _, err := c.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			t.Errorf("the agent is gone: %v", err)
		}
	}
	t.Run("memory", func(t *testing.T) {
		out, err := Exec(t, c, "tail -c 400M /dev/zero | tail -c 400M >/dev/null")
		var exit *ssh.ExitError
		if !errors.As(err, &exit) {
			t.Errorf("400 MiB fit into 128: %v %s", err, out)
		}
		calm(t)
	})
	t.Run("descriptors", func(t *testing.T) {
		out, _ := Exec(t, c, "bash -c 'for i in {10..400}; do eval \"exec $i</dev/null\" || break; done; echo $i'")
		if !strings.Contains(out, "Too many open files") && !strings.Contains(out, "Bad file descriptor") {
			t.Errorf("got %q", out)
		}
		calm(t)
	})
	t.Run("disk", func(t *testing.T) {
		if s.features.Unbounded {
			return
		}
		out, err := Exec(t, c, "head -c 200M /dev/zero >/root/fill; e=$?; stat -c %s /root/fill; rm /root/fill; exit $e")
		if err == nil || !strings.Contains(out, "No space left") {
			t.Errorf("200 MiB fit on a disk of 80: %v %s", err, out)
		}
		calm(t)
	})
	t.Run("inodes", func(t *testing.T) {
		if s.features.Unbounded {
			return
		}
		out, err := Exec(t, c, "mkdir /root/n && cd /root/n && seq 6000 | xargs touch; e=$?; ls | wc -l; cd; rm -r /root/n; exit $e")
		if err == nil || !strings.Contains(out, "No space left") {
			t.Errorf("6000 files fit into 4096 inodes: %v %.300s", err, out)
		}
		calm(t)
	})
	t.Run("shared memory", func(t *testing.T) {
		if out, err := Exec(t, c, "head -c 100M /dev/zero >/dev/shm/fill; e=$?; rm /dev/shm/fill; exit $e"); err == nil {
			t.Errorf("100 MiB fit into a quarter of 128: %s", out)
		}
		calm(t)
	})
	t.Run("forks", func(t *testing.T) {
		// Bounded in itself: 120 sleepers that end, and that no machine is too slow to
		// start half of before the first does.
		out, _ := Exec(t, c, "for i in $(seq 120); do sleep 8 & done 2>&1; wait")
		if !strings.Contains(out, "fork") && !strings.Contains(out, "Resource temporarily unavailable") {
			t.Errorf("120 processes fit into 64: %.300s", out)
		}
		calm(t)
	})
	if got := must(t, c, "echo alive"); got != "alive" {
		t.Errorf("after all of them: %q", got)
	}
	t.Run("cpu", func(t *testing.T) {
		limited := s.sandbox(t, labs.Spec{ID: "slow", Limits: labs.Limits{CPUs: 0.2}})
		out := must(t, limited, "bash -c 'TIMEFORMAT=\"%R %U\"; time timeout 1 bash -c \"while :; do :; done\"' 2>&1 | tail -1")
		var wall, user float64
		if _, err := fmt.Sscan(out, &wall, &user); err != nil || user > 0.6*wall {
			t.Errorf("used %q (wall, user seconds) with a fifth of a CPU", out)
		}
	})
}
