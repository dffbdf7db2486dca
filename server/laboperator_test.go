package server

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/heirtest"
)

// Where there is no database, gc takes what nobody can be in: a sandbox that
// died, and one that nobody can reach. What lives may be somebody's.
func TestCollectWithoutADatabase(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("sandboxes with cgroups need root")
	}
	dir := t.TempDir()
	heirtest.Leave(t, dir)
	cfg, err := Config{DataDir: dir, ImageDir: os.Getenv("CMH_IMAGE_DIR"), LabAgent: os.Getenv("CMH_LAB_AGENT")}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	driver, done, err := openDriver(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%v (make test builds the agent)", err)
	}
	t.Cleanup(func() {
		if err := labs.Clear(context.Background(), driver); err != nil {
			t.Error(err)
		}
		done()
	})
	for _, id := range []string{"s-alive", "s-dead", "s-lost"} {
		if err := driver.Create(t.Context(), labs.Spec{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(id string) string { return filepath.Join(cfg.DataDir, "labs", id) }
	raw, err := os.ReadFile(filepath.Join(at("s-dead"), "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rec struct{ PID int }
	if err := json.Unmarshal(raw, &rec); err != nil {
		t.Fatal(err)
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
	if err := os.RemoveAll(at("s-lost")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"s-alive": labs.Running, "s-dead": labs.Dead, "s-lost": labs.Lost}
	states := func() map[string]string {
		got := map[string]string{}
		all, err := Labs(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			got[c.ID] = c.State
			if c.State == labs.Running && (c.Memory <= 0 || c.Pids <= 0 || time.Since(c.Since) > time.Hour || !strings.HasPrefix(c.Image, "sha256:")) {
				t.Errorf("%+v", c)
			}
		}
		return got
	}
	// A driver that is opened sweeps what is lost, as the server does at its
	// start; so that one is there at most until then.
	got := states()
	for id, state := range got {
		if want[id] != state {
			t.Errorf("%s is %s", id, state)
		}
	}
	gone, err := CollectLabs(t.Context(), cfg)
	if err != nil || !slices.Contains(gone, "s-dead") || slices.Contains(gone, "s-alive") {
		t.Errorf("%v, %v", gone, err)
	}
	if got := states(); len(got) != 1 || got["s-alive"] != labs.Running {
		t.Errorf("left are %v", got)
	}
	if err := KillLab(t.Context(), cfg, "s-alive"); err != nil {
		t.Error(err)
	}
	if err := KillLab(t.Context(), cfg, "s-alive"); err == nil {
		t.Error("killed twice")
	}
	if got := states(); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}
