package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Each version of the agent leaves a tree beside the images, six megabytes of it.
// Collecting images collects those that no server and no sandbox uses any more.
func TestOldAgentsAreCollected(t *testing.T) {
	needRoot(t)
	store := tinyStore(t)
	state := t.TempDir()
	trees := func() (all []string) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(store.Dir(), image.LayerPrefix+"*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			all = append(all, filepath.Base(f))
		}
		return all
	}
	collect := func(want ...string) {
		t.Helper()
		removed, err := store.GC(t.Context())
		for i, r := range removed {
			removed[i] = "." + strings.Replace(r, ":", "-", 1)
		}
		if err != nil || !slices.Equal(removed, want) {
			t.Errorf("collected %v, %v; want %v", removed, err, want)
		}
	}
	version := func(n string) *local.Driver {
		t.Helper()
		raw, err := os.ReadFile(agentBinary)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "lab-agent")
		if err := os.WriteFile(path, append(raw, n...), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		d, err := local.Open(t.Context(), local.Config{State: state, Images: store, Agent: path})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}

	first := version("1")
	cleanUp(t, first)
	old := trees()
	if len(old) != 1 {
		t.Fatalf("there are %v", old)
	}
	if err := first.Create(t.Context(), labs.Spec{ID: "older", Image: image.Tiny}); err != nil {
		t.Fatal(err)
	}
	collect() // a server and a sandbox use it
	second := version("2")
	cleanUp(t, second)
	collect() // the sandbox does still
	if got, err := drivertest.Exec(t, drivertest.Connect(t, second, "older"), "ls /usr/local/bin/lab"); got != "lab" {
		t.Errorf("the older one's command: %q, %v", got, err)
	}
	if err := second.Destroy(t.Context(), "older"); err != nil {
		t.Fatal(err)
	}
	collect(old...)
	if left := trees(); len(left) != 1 || left[0] == old[0] {
		t.Errorf("left are %v", left)
	}
	if err := second.Create(t.Context(), labs.Spec{ID: "newer", Image: image.Tiny}); err != nil {
		t.Fatal(err)
	}
	if got, err := drivertest.Exec(t, drivertest.Connect(t, second, "newer"), "ls /usr/local/bin/lab"); got != "lab" {
		t.Errorf("the newer one's command: %q, %v", got, err)
	}
}
