package local_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Where nothing can be built or fetched a lab can be run still.
func TestTinyImage(t *testing.T) {
	d := open(t, t.TempDir(), tinyStore(t))
	cleanUp(t, d)
	if err := d.Create(t.Context(), labs.Spec{ID: "tiny", Image: image.Tiny, Hostname: "small"}); err != nil {
		t.Fatal(err)
	}
	c := drivertest.Connect(t, d, "tiny")
	for _, tc := range []struct{ command, want string }{
		{"id", "uid=0(root) gid=0(root) groups=0(root)"},
		{"whoami; uname -n; pwd", "root\nsmall\n/root"},
		{"echo kept >/etc/mark && grep -c kept /etc/mark", "1"},
		{"ps | grep -c '[l]ab-agent'", "1"},
		{"cat /proc/1/environ 2>&1 | grep -ci denied", "1"},
		{"ls /dev | grep -x -e null", "null"},
	} {
		if got, err := drivertest.Exec(t, c, tc.command); got != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.command, got, err, tc.want)
		}
	}

	// A terminal, and a script that the platform has sourced there.
	s, err := labs.Open(t.Context(), d, "tiny")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sess, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer sess.Close()
	in, err := sess.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	await := func(text string) {
		t.Helper()
		for buf := make([]byte, 1024); !strings.Contains(seen.String(), text); {
			n, err := out.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				t.Fatalf("waiting for %q: %v\n%s", text, err, seen.String())
			}
		}
	}
	await("root@small:~# ")
	if _, err := in.Write([]byte("echo hel''lo\r")); err != nil {
		t.Fatal(err)
	}
	await("hello")
}

// tinyStore is a store of its own with nothing but the tiny image.
func tinyStore(t *testing.T) *image.Store {
	t.Helper()
	program := filepath.Join(t.TempDir(), "lab-tiny")
	build := exec.CommandContext(t.Context(), "go", "build", "-cover=false", "-o", program, "github.com/cloudmastershub/cmh/labs/image/tiny")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	store, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store.UseTiny(program)
	return store
}
