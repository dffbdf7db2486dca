package gateway_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pkg/sftp"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// sandboxes puts real sandboxes behind the gateway instead of bare agents.
func (w *world) sandboxes(specs ...labs.Spec) labs.Driver {
	w.t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			w.t.Fatal("sandboxes with limits need root")
		}
		w.t.Skip("sandboxes with limits need root")
	}
	dir := os.Getenv("CMH_IMAGE_DIR")
	if dir == "" {
		dir = "/var/cache/cmh/images"
	}
	store, err := image.Open(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	state := w.t.TempDir()
	heirtest.Leave(w.t, state)
	d, err := local.Open(w.t.Context(), local.Config{State: state, Images: store, Agent: agentBinary})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := labs.Clear(context.Background(), d); err != nil {
			w.t.Error(err)
		}
		d.Close()
	})
	for _, spec := range specs {
		if err := d.Create(w.t.Context(), spec); err != nil {
			w.t.Fatal(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Driver = d
	return d
}

// inspector is the command that looks around inside, and the assignments it
// needs to know that it is inside.
func inspector(t *testing.T) (binary []byte, command string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inspect")
	build := exec.CommandContext(t.Context(), "go", "build", "-cover=false", "-o", path, "../driver/local/internal/inspect")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"} {
		link, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		command += "HOSTNS_" + ns + "='" + link + "' "
	}
	return binary, command + "WANT_NNP=1 /usr/bin/inspect"
}

// A learner, a course and a file copy come into a lab by ways of their own,
// and each starts a process. Whichever it is, it sees and may do what
// labs/driver/local promises, and no more.
func TestNothingToSeeByEveryWayIn(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	d := w.sandboxes(labs.Spec{ID: "box-a"})
	binary, inspect := inspector(t)
	c := w.client(alices, w.alice)

	files, err := sftp.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	up, err := files.Create("/usr/bin/inspect")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := up.ReadFrom(bytes.NewReader(binary)); err != nil {
		t.Fatal(err)
	}
	if err := up.Close(); err != nil {
		t.Fatal(err)
	}
	if err := files.Chmod("/usr/bin/inspect", 0o755); err != nil {
		t.Fatal(err)
	}

	t.Run("sftp", func(t *testing.T) { inspectServer(t, files) })
	t.Run("exec", func(t *testing.T) {
		if got := run(t, c, inspect); got.out != "ok\n" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("exec with a terminal", func(t *testing.T) {
		s := open(t, c, true, inspect)
		if status := exitStatus(<-s.end); status != 0 || s.String() != "ok\r\n" {
			t.Errorf("status %d: %q", status, s.String())
		}
	})
	t.Run("shell", func(t *testing.T) {
		s := open(t, c, true, "")
		_, _ = io.WriteString(s.in, inspect+" >/tmp/said 2>&1; cat /tmp/said; echo status-$?-\n")
		s.sees(`status-\d`)
		if got := run(t, c, "cat /tmp/said"); got.out != "ok\n" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("OpenSSH", func(t *testing.T) {
		if got := w.openssh(strings.NewReader(inspect), "ssh", "-l", alices, "HOST", "bash"); got.out != "ok\n" {
			t.Errorf("%+v", got)
		}
	})
	box, err := labs.Open(t.Context(), d, "box-a")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	t.Run("set-up", func(t *testing.T) {
		if err := box.Start(t.Context(), proto.Script{Name: "look", Source: []byte(inspect + "\n")}); err != nil {
			t.Fatal(err)
		}
		until(t, "the script has ended", func() bool {
			all, err := box.Scripts(t.Context())
			return err == nil && len(all) == 1 && !all[0].Running
		})
		if got := run(t, c, "cat /var/log/killercoda/look_*.log"); got.out != "ok\n" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("check", func(t *testing.T) {
		got, err := box.Check(t.Context(), proto.Script{Name: "look", Source: []byte(inspect + "\n")})
		if err != nil || string(got.Stdout) != "ok\n" || got.Exit != 0 {
			t.Errorf("%v: %+v", err, got)
		}
	})
}

// inspectServer reads, through the server of file copies, what /proc says of
// the server itself.
func inspectServer(t *testing.T, files *sftp.Client) {
	read := func(name string) string {
		f, err := files.Open(name)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer f.Close()
		raw, err := io.ReadAll(f)
		if err != nil {
			t.Error(err)
		}
		return string(raw)
	}
	status := read("/proc/self/status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t00000000800405fb", "CapBnd:\t00000000800405fb", "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000"} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("no %q in its status:\n%s", want, status)
		}
	}
	if m := strings.Fields(read("/proc/self/uid_map")); len(m) != 3 || m[0] != "0" || m[2] != "65536" || len(m[1]) < 6 {
		t.Errorf("uid_map %v", m)
	}
	if env := read("/proc/self/environ"); strings.Contains(env, "CMH_") || !strings.Contains(env, "HOME=/root\x00") {
		t.Errorf("environment %q", env)
	}
	for line := range strings.Lines(read("/proc/self/cgroup")) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) != 3 || f[2] != "/" && !strings.HasPrefix(f[2], "/..") {
			t.Errorf("a cgroup is named as on the host: %s", line)
		}
	}
	fds, err := files.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	for _, fd := range fds {
		to, err := files.ReadLink("/proc/self/fd/" + fd.Name())
		if n, _ := strconv.Atoi(fd.Name()); err == nil && n > 2 && !strings.HasPrefix(to, "anon_inode:") && !strings.HasPrefix(to, "/proc/") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
	for _, ns := range []string{"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"} {
		host, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		if inside, err := files.ReadLink("/proc/self/ns/" + ns); err == nil && inside == host {
			t.Errorf("it is in the host's %s namespace", ns)
		}
	}
	for _, secret := range []string{"/proc/1/environ", "/proc/1/mem", "/proc/1/fd/3", "/proc/kcore", "/proc/keys"} {
		if f, err := files.Open(secret); err == nil {
			b := make([]byte, 1)
			if n, _ := f.Read(b); n > 0 {
				t.Errorf("%s can be read", secret)
			}
			f.Close()
		}
	}
}
