package server

import (
	"os"
	"path/filepath"
	"testing"
)

// A runtime that can be broken out of is nothing to make sandboxes with, and
// nothing to worry of where it makes none.
func TestDoctorRefusesOldRuntimes(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if fs := lookAtRunc(t.Context(), "docker"); len(fs) != 0 {
		t.Errorf("without one: %v", fs)
	}
	for _, tc := range []struct{ version, driver, want string }{
		{"1.1.5+ds1", "docker", Missing},
		{"1.1.5+ds1", "local", OK},
		{"1.3.5", "podman", Missing},
		{"1.3.6", "docker", OK},
		{"1.4.3", "podman", OK},
	} {
		script := "#!/bin/sh\necho runc version " + tc.version + "\necho spec: 1.1.0\n"
		if err := os.WriteFile(filepath.Join(bin, "runc"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		fs := lookAtRunc(t.Context(), tc.driver)
		if len(fs) != 1 || fs[0].State != tc.want {
			t.Errorf("%+v: %v", tc, fs)
		}
	}
}

func TestDoctorTellsHowTheHostIsSet(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for _, f := range lookAtHost() {
		if f.State == Missing || f.Detail.String() == "" {
			t.Errorf("%+v", f)
		}
		told[f.Name] = true
	}
	for _, name := range []string{"SMT", "KSM", "seccomp", "core dumps", "CPU"} {
		if !told[name] {
			t.Errorf("nothing is said of %s", name)
		}
	}
}

func TestDoctorTellsOfRoom(t *testing.T) {
	t.Parallel()
	told := map[string]string{}
	for _, f := range lookAtRoom(Config{DataDir: t.TempDir()}) {
		told[f.Name] = f.Detail.String()
	}
	for _, name := range []string{"room", "descriptors", "processes"} {
		if told[name] == "" {
			t.Errorf("nothing is said of %s: %v", name, told)
		}
	}
	fs := lookAtRoom(Config{DataDir: "/proc/self"}) // nobody writes there
	if len(fs) == 0 || fs[0].State != Limited {
		t.Errorf("a full disk is %+v", fs)
	}
}
