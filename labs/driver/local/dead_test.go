package local_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
)

// A sandbox whose agent was killed, by the kernel say, is dead but listed; it
// can be made anew under its id. The state's path is longer than a socket's
// may be.
func TestDeadSandbox(t *testing.T) {
	store, name := testImage(t)
	state := filepath.Join(t.TempDir(), strings.Repeat("long/", 25))
	d := open(t, state, store)
	cleanUp(t, d)
	spec := labs.Spec{ID: "dead", Image: name}
	if err := d.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(state, "dead", "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rec struct{ PID int }
	if err := json.Unmarshal(raw, &rec); err != nil || rec.PID < 2 {
		t.Fatalf("record %s: %v", raw, err)
	}
	fd, err := unix.PidfdOpen(rec.PID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(3*time.Minute/time.Millisecond)); n != 1 {
		t.Fatalf("it lives on: %v", err)
	}
	if _, err := d.Dial(t.Context(), "dead"); !errors.Is(err, labs.ErrNotFound) {
		t.Errorf("Dial: %v, want ErrNotFound", err)
	}
	if ids, err := d.List(t.Context()); err != nil || !slices.Contains(ids, "dead") {
		t.Errorf("List: %v, %v", ids, err)
	}
	if err := d.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if got, err := drivertest.Exec(t, drivertest.Connect(t, d, "dead"), "echo anew"); got != "anew" {
		t.Errorf("%q, %v", got, err)
	}
}
