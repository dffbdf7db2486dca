package testscript

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A hub runs a newer release. Whoever works at a terminal is told of it, on
// standard error and once a day; for nobody else it is even asked.
func TestNewsOfANewerRelease(t *testing.T) {
	t.Parallel()
	cmh := filepath.Join(t.TempDir(), "cmh")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X github.com/cloudmastershub/cmh/client.Version=v1.4.0", "-o", cmh, programs["cmh"])
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var (
		asked atomic.Int32
		until atomic.Pointer[func() bool] // what courses wait for: cmh itself waits for nothing
	)
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/version" {
			asked.Add(1)
			_, _ = io.WriteString(w, `{"version":"v1.5.0"}`)
			return
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for happened := until.Load(); happened != nil && !(*happened)(); {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, `[{"slug":"linux-shell","title":"The Linux shell"}]`)
	}))
	t.Cleanup(feed.Close)

	list := func(home string, tty bool, args []string, env ...string) (out, errs string) {
		cmd := exec.CommandContext(t.Context(), cmh, append([]string{"course", "list"}, args...)...)
		cmd.Env = append(append(counting(), "HOME="+home, "PATH="+os.Getenv("PATH"), "TERM=xterm", "CMH_SERVER="+feed.URL), env...)
		if tty {
			out, errs = atTerminals(t, cmd)
		} else {
			var o, e strings.Builder
			cmd.Stdout, cmd.Stderr = &o, &e
			_ = cmd.Run() // its status is judged below
			out, errs = o.String(), e.String()
		}
		if !cmd.ProcessState.Success() || !strings.Contains(out, "linux-shell") || strings.Contains(out, "v1.5.0") || strings.Contains(out, "is out") {
			t.Errorf("%q %q: %v, %q, %q", args, env, cmd.ProcessState, out, errs)
		}
		return out, errs
	}

	home := t.TempDir()
	heard := func() bool {
		h := noted(home)
		return h["version"] == "v1.5.0" && time.Since(when(h["at"])) < time.Hour
	}
	const told = "cmh 1.5.0 is out, and this is v1.4.0: https://github.com/cloudmastershub/cmh/releases"
	for n, want := range []struct {
		day, told bool
		asked     int32
	}{{false, true, 1}, {false, false, 1}, {true, true, 2}, {false, false, 2}} {
		if want.day {
			age(t, home)
		}
		until.Store(&heard)
		if _, errs := list(home, true, nil); strings.Contains(errs, told) != want.told || asked.Load() != want.asked {
			t.Errorf("run %d: asked %d times, said %q", n, asked.Load(), errs)
		}
	}

	until.Store(nil)
	for _, quiet := range []struct {
		args []string
		env  string
		pipe bool
	}{
		{pipe: true},
		{env: "CI=true"},
		{env: "CMH_NO_INPUT=1"},
		{env: "CMH_NO_UPDATE_NOTIFIER=1"},
		{env: "SSH_CONNECTION=::1 1 ::1 22"},
		{args: []string{"--json"}},
		{args: []string{"--quiet"}},
		{args: []string{"--plain"}},
		{args: []string{"--no-input"}},
		{args: []string{"--json=slug"}, pipe: true},
	} {
		for _, home := range []string{t.TempDir(), home} { // who has never heard of it, and who would hear of it again
			if noted(home) != nil {
				age(t, home)
			}
			if _, errs := list(home, !quiet.pipe, quiet.args, quiet.env); strings.Contains(errs, "is out") || asked.Load() != 2 {
				t.Errorf("%+v: asked %d times, said %q", quiet, asked.Load(), errs)
			}
		}
	}
}

// atTerminals runs cmd with a terminal for what it reads and prints, and another
// one for what it says.
func atTerminals(t *testing.T, cmd *exec.Cmd) (out, errs string) {
	t.Helper()
	var read [2]chan string
	var slaves [2]*os.File
	for i := range read {
		tty, theirs, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer tty.Close()
		read[i], slaves[i] = make(chan string, 1), theirs
		go func() { // ends when nobody holds the other side
			b, _ := io.ReadAll(tty)
			read[i] <- string(b)
		}()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slaves[0], slaves[0], slaves[1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err := cmd.Run()
	for _, s := range slaves {
		_ = s.Close()
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return <-read[0], <-read[1]
}

// noted is what cmh has noted of the news; nil is nothing.
func noted(home string) map[string]string {
	files, _ := filepath.Glob(filepath.Join(home, ".cache/cmh/*/version.json"))
	var h map[string]string
	if len(files) == 1 {
		b, _ := os.ReadFile(files[0])
		_ = json.Unmarshal(b, &h) // half a file is read again
	}
	return h
}

func when(s string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, s)
	return at
}

// age makes what is noted a day older.
func age(t *testing.T, home string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, ".cache/cmh/*/version.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	h := noted(home)
	for _, name := range []string{"at", "told"} {
		h[name] = when(h[name]).Add(-25 * time.Hour).Format(time.RFC3339Nano)
	}
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}
