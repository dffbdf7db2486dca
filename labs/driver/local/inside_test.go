package local_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
)

// put copies a program into a sandbox.
func put(t *testing.T, c *ssh.Client, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Stdin = bytes.NewReader(raw)
	if out, err := s.CombinedOutput("cat >" + to + " && chmod 0755 " + to); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// cannot skips a test that this machine can't run, and fails it in CI: a test
// that never runs proves nothing.
func cannot(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		cannot(t, "what is tested here needs root; TestOrdinaryUser covers the rest")
	}
}

// buildInspect builds the program that looks around, and says what it is to be
// told of the host.
func buildInspect(t *testing.T) (path, env string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "inspect")
	build := exec.CommandContext(t.Context(), "go", "build", "-cover=false", "-o", path, "./internal/inspect")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, ns := range []string{"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"} {
		link, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			t.Fatal(err)
		}
		env += "HOSTNS_" + ns + "='" + link + "' "
	}
	return path, env
}

func TestNothingToSeeInside(t *testing.T) {
	needRoot(t)
	inspect, env := buildInspect(t)
	store, name := testImage(t)
	d := open(t, t.TempDir(), store)
	cleanUp(t, d)
	for id, setuid := range map[string]bool{"plain": false, "setuid": true} {
		t.Run(id, func(t *testing.T) {
			if err := d.Create(t.Context(), labs.Spec{ID: id, Image: name, AllowSetuid: setuid}); err != nil {
				t.Fatal(err)
			}
			c := drivertest.Connect(t, d, id)
			put(t, c, inspect, "/tmp/inspect")
			nnp := map[bool]string{false: "1", true: "0"}[setuid]
			out, err := drivertest.Exec(t, c, env+"WANT_NNP="+nnp+" /tmp/inspect")
			if err != nil || out != "ok" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestTwoHundredLeaveNothing(t *testing.T) {
	needRoot(t)
	store, name := testImage(t)
	state := t.TempDir()
	d := open(t, state, store)
	cleanUp(t, d)
	before := residue(t, d, state)
	const at, rounds = 4, 50
	done := make(chan error)
	for i := range at {
		go func() {
			id := "residue-" + itoa(i)
			var err error
			for range rounds {
				if err = d.Create(t.Context(), labs.Spec{ID: id, Image: name}); err != nil {
					break
				}
				if err = d.Destroy(t.Context(), id); err != nil {
					break
				}
			}
			done <- err
		}()
	}
	for range at {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	settled(t, d, state, before)
}

// A server killed in the middle of a Create leaves a folder without a
// finished record; the next one removes it.
func TestHalfMadeIsSwept(t *testing.T) {
	store, _ := testImage(t)
	state := t.TempDir()
	open(t, state, store).Close()
	for dir, record := range map[string]string{"bare": "", "half": `{"id":"half","pid":0,"ready":false}`, "broken": "{"} {
		if err := os.Mkdir(filepath.Join(state, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if record != "" {
			if err := os.WriteFile(filepath.Join(state, dir, "record.json"), []byte(record), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := open(t, state, store)
	cleanUp(t, d)
	if ids, err := d.List(t.Context()); err != nil || len(ids) > 0 {
		t.Errorf("still there: %v, %v", ids, err)
	}
}
