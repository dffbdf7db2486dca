package hashing_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/server/internal/hashing"
)

// asServe makes the test binary a Worker's process.
const asServe = "serve-hashes"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asServe {
		if err := hashing.Serve(os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

var secret = []byte("correct horse battery")

func newWorker(t *testing.T) *hashing.Worker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := hashing.NewWorker(slog.New(slog.DiscardHandler), self, filepath.Base(self), asServe)
	t.Cleanup(w.Close)
	hashing.Patient(w)
	return w
}

// works holds a Worker to what the functions do.
func works(t *testing.T, w *hashing.Worker) {
	t.Helper()
	hash, err := w.Hash(secret, bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := bcrypt.CompareHashAndPassword(hash, secret); err != nil {
		t.Errorf("the hash: %v", err)
	}
	if ok, err := w.Matches(hash, secret); !ok || err != nil {
		t.Errorf("the right secret: %v, %v", ok, err)
	}
	if ok, err := w.Matches(hash, []byte("another")); ok || err != nil {
		t.Errorf("a wrong secret: %v, %v", ok, err)
	}
	if ok, err := w.Matches([]byte("no hash"), secret); ok || err == nil {
		t.Errorf("what is no hash: %v, %v", ok, err)
	}
	if _, err := w.Hash(bytes.Repeat([]byte("x"), 73), bcrypt.MinCost); err == nil {
		t.Error("what is too long was hashed")
	}
}

func TestWorkerDoesWhatTheFunctionsDo(t *testing.T) {
	t.Parallel()
	works(t, nil)
	w := newWorker(t)
	works(t, w)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { works(t, w) })
	}
	wg.Wait()
	w.Close()
	works(t, w)
}

// The process is told nothing on its command line or in its environment, yields
// to its parent, and ends with it.
func TestWorkerIsAModestProcess(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	works(t, w) // so it is there
	pid := w.Pid()
	proc := func(name string) string {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if env := proc("environ"); env != "" {
		t.Errorf("its environment: %q", env)
	}
	if args := strings.Split(strings.Trim(proc("cmdline"), "\x00"), "\x00"); len(args) != 2 || args[1] != asServe {
		t.Errorf("its command line: %q", args)
	}
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 - nice
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range threads {
		tid, err := strconv.Atoi(th.Name())
		if err != nil {
			t.Fatal(err)
		}
		// One of them may have ended.
		if its, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err == nil && its >= ours && ours > 1 {
			t.Errorf("thread %d has priority %d, we have %d", tid, its, ours)
		}
	}
	w.Close()
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("after Close it is there: %v", err)
	}
}

// Whatever becomes of the process, passwords are hashed.
func TestWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	hashing.Hasten(w)
	works(t, w)
	for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
		before := w.Pid()
		if before <= 0 { // which would be us
			t.Fatal("there is no process")
		}
		if err := unix.Kill(before, signal); err != nil {
			t.Fatal(err)
		}
		works(t, w)
		for w.Pid() == before { // until it is noticed, and another one begun
			works(t, w)
		}
	}
	none := hashing.NewWorker(slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "nothing"), "nothing")
	works(t, none)
	none.Close()
}

// Where the process gets no processor another one would get none: what it can't
// do is done here for a while, and nobody waits for it first.
func TestWorkerThatStarvesIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorker(t)
	works(t, w)
	pid := w.Pid()
	if pid <= 0 { // which would be us
		t.Fatal("there is no process")
	}
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hashing.Tire(w)
	works(t, w)
	for w.Pid() == pid { // until it is noticed
		works(t, w)
	}
	works(t, w)
	if pid := w.Pid(); pid != 0 {
		t.Errorf("there is another process, %d", pid)
	}
}

// Whoever dies without a word takes the process along: its input ends.
func TestServeEndsWithItsInput(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, asServe)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := hashing.Serve(strings.NewReader("no task"), io.Discard); err == nil {
		t.Error("what is no task was taken for one")
	}
}
