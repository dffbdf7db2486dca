package local_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/driver/local"
)

// faultyEnv holds the state folder for a process that makes and removes
// sandboxes until it dies of local.FaultEnv.
const faultyEnv = "TEST_FAULTY_IN"

// TestFaultyServer is that process.
func TestFaultyServer(t *testing.T) {
	state := os.Getenv(faultyEnv)
	if state == "" {
		return // it is for the tests below
	}
	store, name := testImage(t)
	d := open(t, state, store)
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			for n := range 4 {
				id := fmt.Sprintf("faulty-%d-%d", i, n%2)
				if err := d.Create(t.Context(), labs.Spec{ID: id, Image: name, Limits: labs.Limits{DiskBytes: 64 << 20}}); err != nil {
					t.Error(err)
				}
				if n%2 == 1 {
					if err := d.Destroy(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}

// dies runs that process, which must die of the fault.
func dies(t *testing.T, state, fault string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestFaultyServer$")
	cmd.Env = append(os.Environ(), faultyEnv+"="+state, local.FaultEnv+"="+fault, "TEST_AGENT="+agentBinary)
	out, err := cmd.CombinedOutput()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		t.Fatalf("fault %q: %v\n%s", fault, err, out)
	}
}

// A server that is killed at any step of making or removing a sandbox leaves
// nothing of it: the next one clears it away when it opens the driver. What
// was whole is there still, and can be destroyed.
func TestDeathAtEveryStep(t *testing.T) {
	needRoot(t)
	t.Parallel()
	store, _ := testImage(t)
	for _, step := range local.Steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			d := open(t, state, store)
			before := residue(t, d, state)
			d.Close()
			dies(t, state, step)
			d = open(t, state, store)
			cleanUp(t, d)
			ids, err := d.List(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, id := range ids {
				if got, err := drivertest.Exec(t, drivertest.Connect(t, d, id), "echo whole"); got != "whole" {
					t.Errorf("%s was kept and is not whole: %q, %v", id, got, err)
				}
				if err := d.Destroy(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
			settled(t, d, state, before)
		})
	}
}

// Killed again and again, at whatever step, with other sandboxes on their way.
func TestRandomKillsLeaveNothing(t *testing.T) {
	needRoot(t)
	store, _ := testImage(t)
	state := t.TempDir()
	d := open(t, state, store)
	before := residue(t, d, state)
	d.Close()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	rounds := 12
	if os.Getenv("CMH_TEST_THOROUGH") != "" { // make test-security
		rounds = 100
	}
	for range rounds {
		step := local.Steps[r.IntN(len(local.Steps))]
		if step == "template" { // made once
			step = "disk"
		}
		dies(t, state, step+":"+itoa(1+r.IntN(3)))
	}
	d = open(t, state, store)
	cleanUp(t, d)
	if err := labs.Clear(t.Context(), d); err != nil {
		t.Error(err)
	}
	settled(t, d, state, before)
}

// Somebody removes the folder of a sandbox that runs. Nobody can reach it any
// more, so it is listed, as what nobody owns, and killed, by this driver or by the next.
func TestLostStateIsFound(t *testing.T) {
	needRoot(t)
	store, name := testImage(t)
	state := t.TempDir()
	d := open(t, state, store)
	cleanUp(t, d)
	before := residue(t, d, state)
	lose := func() {
		t.Helper()
		if err := d.Create(t.Context(), labs.Spec{ID: "lost", Image: name}); err != nil {
			t.Fatal(err)
		}
		if got, err := drivertest.Exec(t, drivertest.Connect(t, d, "lost"), "test ! -e /root/old && touch /root/old && (setsid sleep 4321 >/dev/null 2>&1 &) && echo ok"); got != "ok" {
			t.Fatalf("%q, %v", got, err)
		}
		if err := os.RemoveAll(filepath.Join(state, "lost")); err != nil {
			t.Fatal(err)
		}
		if ids, err := d.List(t.Context()); err != nil || strings.Join(ids, " ") != "lost" {
			t.Errorf("listed are %v, %v", ids, err)
		}
	}
	lose()
	if err := d.Destroy(t.Context(), "lost"); err != nil {
		t.Error(err)
	}
	settled(t, d, state, before)
	lose()
	lose() // its id is made anew meanwhile
	open(t, state, store).Close()
	settled(t, d, state, before)
}
