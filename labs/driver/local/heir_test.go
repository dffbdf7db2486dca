package local_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
)

const mortalEnv = "TEST_MORTAL_IN"

// TestMortal is a test that is killed with a sandbox of its own, and busy
// programs in and beside it.
func TestMortal(t *testing.T) {
	state := os.Getenv(mortalEnv)
	if state == "" {
		return // it is for the test below
	}
	store, name := testImage(t)
	d := open(t, state, store)
	if err := d.Create(t.Context(), labs.Spec{ID: "orphan", Image: name}); err != nil {
		t.Fatal(err)
	}
	if out, err := drivertest.Exec(t, drivertest.Connect(t, d, "orphan"), "for i in 1 2 3; do setsid sh -c 'while :; do :; done' >/dev/null 2>&1 & done"); err != nil {
		t.Fatal(err, out)
	}
	beside := exec.CommandContext(t.Context(), "setsid", "sh", "-c", "trap '' TERM; sleep 600; : "+state)
	if err := beside.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("beside", beside.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// A test that is killed takes its sandboxes along, and what it started.
func TestKilledTestsLeaveNothing(t *testing.T) {
	needRoot(t)
	t.Parallel()
	store, _ := testImage(t)
	state := filepath.Join(t.TempDir(), "state")
	d := open(t, state, store)
	cgroups := d.Cgroups()
	d.Close()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestMortal$")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CMH_TEST_HEIR=") }), mortalEnv+"="+state, "TEST_AGENT="+agentBinary)
	out, err := cmd.CombinedOutput()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGKILL {
		t.Fatalf("%v\n%s", err, out)
	}
	var beside int
	if _, err := fmt.Sscanf(string(out), "beside %d", &beside); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var left []string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); <-tick.C {
		left = nil
		if _, err := os.Stat(state); err == nil {
			left = append(left, state)
		}
		for _, parent := range cgroups {
			for _, below := range []string{"*", "*/*"} {
				procs, _ := filepath.Glob(filepath.Join(parent, below, "cgroup.procs"))
				left = append(left, procs...)
			}
		}
		if err := syscall.Kill(beside, 0); !errors.Is(err, unix.ESRCH) {
			left = append(left, "the program beside it")
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("left are: %v", left)
}
