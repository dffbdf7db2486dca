package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// keeper opens a driver on state, and says whether this machine keeps anything.
func keeper(t testing.TB, state string, store *image.Store) (*local.Driver, bool) {
	t.Helper()
	d := open(t, state, store)
	cleanUp(t, d)
	if err := d.Keeps(); err != nil {
		t.Logf("what a machine that keeps nothing says is the conformance suite's: %v", err)
		return d, false
	}
	return d, true
}

type onDisk struct {
	PID  int    `json:"pid"`
	Loop string `json:"loop"`
}

func readOnDisk(t testing.TB, state, id string) (rec onDisk) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(state, id, "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &rec); err != nil || rec.PID < 2 {
		t.Fatalf("record %s: %v", raw, err)
	}
	return rec
}

// A sandbox that has died, of the kernel's hand say, leaves its files, and they
// can be kept still.
func TestSnapshotOfTheDead(t *testing.T) {
	store, name := testImage(t)
	state := t.TempDir()
	d, ok := keeper(t, state, store)
	if !ok {
		return
	}
	if err := d.Create(t.Context(), labs.Spec{ID: "mortal", Image: name}); err != nil {
		t.Fatal(err)
	}
	c := drivertest.Connect(t, d, "mortal")
	// Written and not yet on the disk, and a file that is open but has no name.
	if out, err := drivertest.Exec(t, c, "echo words >/root/last; exec 3>/root/gone; head -c 100M /dev/zero >&3; rm /root/gone; nohup sleep 600 >/dev/null 2>&1 &"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	kill(t, readOnDisk(t, state, "mortal").PID)
	if _, err := d.Snapshot(t.Context(), "mortal", "remains"); err != nil {
		t.Fatal(err)
	}
	if err := d.Destroy(t.Context(), "mortal"); err != nil {
		t.Fatal(err)
	}
	if err := d.Create(t.Context(), labs.Spec{ID: "again", From: "remains"}); err != nil {
		t.Fatal(err)
	}
	got, err := drivertest.Exec(t, drivertest.Connect(t, d, "again"), "cat /root/last; df -m --output=used / | tail -1 | tr -d ' '")
	if err != nil || len(got) < 7 || got[:6] != "words\n" {
		t.Fatalf("%q, %v", got, err)
	}
	if got[6:] > "60" && len(got) > 8 {
		t.Errorf("%s MiB are taken: the file without a name still takes its space", got[6:])
	}
}

func kill(t testing.TB, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(3*time.Minute/time.Millisecond)); n != 1 {
		t.Fatalf("process %d lives on: %v", pid, err)
	}
}

// TestDieWhileFrozen is the other process of TestFrozenByTheDead.
func TestDieWhileFrozen(*testing.T) {
	dir := os.Getenv("TEST_FREEZE")
	if dir == "" {
		return
	}
	_, err := local.Frozen(dir, os.Getenv("TEST_LOOP"), func() error { return unix.Kill(os.Getpid(), unix.SIGKILL) })
	panic(err)
}

// A server that is killed in the middle of a snapshot leaves a file system
// frozen. The next one thaws it and finds nothing half made; so does whoever
// destroys the sandbox.
func TestFrozenByTheDead(t *testing.T) {
	store, name := testImage(t)
	state := t.TempDir()
	d, ok := keeper(t, state, store)
	if !ok {
		return
	}
	freeze := func(id string) {
		t.Helper()
		dir := filepath.Join(state, id)
		half := filepath.Join(dir, ".snapshot")
		if err := os.Mkdir(half, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(half, "disk.ext4"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDieWhileFrozen$")
		child.Env = append(os.Environ(), "TEST_AGENT="+agentBinary, "TEST_FREEZE="+dir, "TEST_LOOP="+readOnDisk(t, state, id).Loop)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the other process: %v: %s", err, out)
		}
		// It is frozen indeed: nobody can freeze it once more.
		if _, err := local.Frozen(dir, readOnDisk(t, state, id).Loop, func() error { return nil }); !errors.Is(err, unix.EBUSY) {
			t.Errorf("the disk of %s can be frozen again: %v", id, err)
		}
	}
	for _, id := range []string{"cold", "colder", "coldest"} {
		if err := d.Create(t.Context(), labs.Spec{ID: id, Image: name}); err != nil {
			t.Fatal(err)
		}
		freeze(id)
	}

	// The same driver destroys one and keeps another.
	if err := d.Destroy(t.Context(), "cold"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Snapshot(t.Context(), "colder", "thawed"); err != nil {
		t.Fatal(err)
	}
	// A later one finds the third.
	later := open(t, state, store)
	defer later.Close()
	for _, id := range []string{"colder", "coldest"} {
		if out, err := drivertest.Exec(t, drivertest.Connect(t, d, id), "echo on >/root/on && cat /root/on"); err != nil || out != "on" {
			t.Errorf("%s: %v: %s", id, err, out)
		}
		if _, err := os.Stat(filepath.Join(state, id, ".snapshot")); err == nil {
			t.Errorf("%s has half a snapshot still", id)
		}
	}
	all, err := later.Snapshots(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "thawed" {
		t.Errorf("snapshots: %v, %v", all, err)
	}
}

// Whatever goes wrong while a disk is frozen, it is not frozen afterwards.
func TestThawedAfterAll(t *testing.T) {
	store, name := testImage(t)
	state := t.TempDir()
	d, ok := keeper(t, state, store)
	if !ok {
		return
	}
	if err := d.Create(t.Context(), labs.Spec{ID: "panicky", Image: name}); err != nil {
		t.Fatal(err)
	}
	dir, loop := filepath.Join(state, "panicky"), readOnDisk(t, state, "panicky").Loop
	func() {
		defer func() { _ = recover() }()
		_, _ = local.Frozen(dir, loop, func() error { panic("on purpose") })
	}()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := local.Frozen(dir, loop, func() error {
		cancel()
		src, err := os.Open(filepath.Join(dir, "disk.ext4"))
		if err != nil {
			return err
		}
		defer src.Close()
		dst, err := os.Create(filepath.Join(t.TempDir(), "copy"))
		if err != nil {
			return err
		}
		defer dst.Close()
		return local.CopyDisk(ctx, dst, src)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for the copy any more: %v", err)
	}
	if out, err := drivertest.Exec(t, drivertest.Connect(t, d, "panicky"), "echo on >/root/on && cat /root/on"); err != nil || out != "on" {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "frozen")); err == nil {
		t.Error("it is marked as frozen still")
	}
}

// What sandboxes and snapshots are made of stays known, and a snapshot of which
// only a part is left makes no sandbox.
func TestUsedImages(t *testing.T) {
	store, name := testImage(t)
	root, err := store.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	d, ok := keeper(t, state, store)
	if !ok {
		return
	}
	used := func() []string {
		t.Helper()
		digests, err := local.UsedImages(state)
		if err != nil {
			t.Fatal(err)
		}
		return digests
	}
	if got := used(); len(got) != 0 {
		t.Errorf("nothing uses %v", got)
	}
	if err := d.Create(t.Context(), labs.Spec{ID: "user", Image: name}); err != nil {
		t.Fatal(err)
	}
	if got := used(); !slices.Equal(got, []string{root.Digest}) {
		t.Errorf("a sandbox uses %v", got)
	}
	if _, err := d.Snapshot(t.Context(), "user", "kept"); err != nil {
		t.Fatal(err)
	}
	if err := d.Destroy(t.Context(), "user"); err != nil {
		t.Fatal(err)
	}
	if got := used(); !slices.Equal(got, []string{root.Digest}) {
		t.Errorf("a snapshot uses %v", got)
	}
	if err := os.Remove(filepath.Join(state, ".snapshots", "kept", "snapshot.json")); err != nil {
		t.Fatal(err)
	}
	if err := d.Create(t.Context(), labs.Spec{ID: "user", From: "kept"}); !errors.Is(err, labs.ErrNoSnapshot) {
		t.Errorf("made of a half removed snapshot: %v", err)
	}
	if all, err := d.Snapshots(t.Context()); err != nil || len(all) != 1 || all[0].Name != "kept" {
		t.Errorf("what is left of it can't be found: %v, %v", all, err)
	}
}

// BenchmarkSnapshot keeps a sandbox with 20 MiB of a learner's files, and
// BenchmarkRestore makes one of it.
func BenchmarkSnapshot(b *testing.B) {
	d, _ := worked(b)
	var frozen time.Duration
	for b.Loop() {
		s, err := d.Snapshot(b.Context(), "worked", "bench")
		if err != nil {
			b.Fatal(err)
		}
		frozen += s.Frozen
		b.StopTimer()
		if err := d.RemoveSnapshot(b.Context(), "bench"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(frozen.Nanoseconds())/float64(b.N), "frozen-ns/op")
}

func BenchmarkRestore(b *testing.B) {
	d, _ := worked(b)
	if _, err := d.Snapshot(b.Context(), "worked", "bench"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := d.Create(b.Context(), labs.Spec{ID: "back", From: "bench"}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := d.Destroy(b.Context(), "back"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func worked(b *testing.B) (*local.Driver, string) {
	b.Helper()
	store, name := testImage(b)
	d, ok := keeper(b, b.TempDir(), store)
	if !ok {
		b.Skip("this machine keeps nothing")
	}
	if err := d.Create(b.Context(), labs.Spec{ID: "worked", Image: name}); err != nil {
		b.Fatal(err)
	}
	if out, err := drivertest.Exec(b, drivertest.Connect(b, d, "worked"), "mkdir /srv/w; cd /srv/w; for i in $(seq 200); do head -c 100K /dev/urandom >$i; done; sync"); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return d, name
}
