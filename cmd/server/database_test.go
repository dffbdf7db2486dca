package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// A backup of a hub that is elsewhere is no success: nothing is made to have
// something to dump.
func TestNothingIsNotBackedUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dump := filepath.Join(t.TempDir(), "hub.dump")
	out, err := s.run("", "database", "pg_dump", "-Fc", "-f", dump)
	if err == nil || !strings.Contains(out, "no hub has kept anything in "+s.dir) || !strings.Contains(out, "--new") {
		t.Errorf("%v: %s", err, out)
	}
	for _, made := range []string{dump, s.dir} {
		if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was made: %v", made, err)
		}
	}
}

// A program on the database is the one that Ctrl-C is for, however often. What
// ends cmh-server ends it too.
func TestProgramOnTheDatabaseHasTheTerminal(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	on := func(script string) (*exec.Cmd, *os.File) {
		t.Helper()
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "database", "--new", "sh", "-c", script)
		cmd.Env = s.env
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tty.Close() })
		return cmd, tty
	}
	see := func(tty *os.File, text string) string {
		t.Helper()
		var seen bytes.Buffer
		for b := make([]byte, 1024); text == "" || !bytes.Contains(seen.Bytes(), []byte(text)); {
			n, err := tty.Read(b)
			seen.Write(b[:n])
			if err != nil && text != "" {
				t.Fatalf("%q is never seen, but %q", text, &seen)
			} else if err != nil {
				break
			}
		}
		return seen.String()
	}

	// A line follows each, in case the shell has yet to read when it comes.
	cmd, tty := on(`n=0; trap 'n=$((n+1)); echo told $n' INT; echo begun; while [ $n -lt 3 ]; do read -r line || :; done; echo over`)
	for _, text := range []string{"begun", "told 1", "told 2"} {
		see(tty, text)
		if _, err := tty.WriteString("\x03\n"); err != nil {
			t.Fatal(err)
		}
	}
	see(tty, "over")
	see(tty, "") // to its end
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}

	cmd, tty = on(`echo begun; exec sleep 1000`)
	see(tty, "begun")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said := see(tty, ""); !strings.Contains(said, "sh: signal: terminated") {
		t.Errorf("after SIGTERM: %q", said)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("after SIGTERM: no error")
	}
}
