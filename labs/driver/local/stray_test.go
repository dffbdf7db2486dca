package local_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// A server inherits descriptors from whoever started it. None of them may
// reach a sandbox.
func TestStrayDescriptorsStayOutside(t *testing.T) {
	needRoot(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(secret, unix.O_RDONLY, 0) // inheritable
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// Another high up, where none of the sandbox's own lands on it.
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 150)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(high)

	store, name := testImage(t)
	state := t.TempDir()
	d := open(t, state, store)
	cleanUp(t, d)
	if err := d.Create(t.Context(), labs.Spec{ID: "stray", Image: name}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(state, "stray", "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rec struct{ PID int }
	if err := json.Unmarshal(raw, &rec); err != nil {
		t.Fatal(err)
	}
	fds, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(rec.PID), "fd", "*"))
	if err != nil || len(fds) == 0 {
		t.Fatalf("the agent's descriptors can't be listed: %v", err)
	}
	for _, f := range fds {
		if to, _ := os.Readlink(f); to == secret {
			t.Errorf("the agent holds %s as descriptor %s", to, filepath.Base(f))
		}
	}
}
