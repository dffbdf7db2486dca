// Package testscript tells stories of learners and authors to the real
// binaries: a story is a .txtar file of commands and of what they must answer.
// It needs a PostgreSQL (CMH_TEST_DATABASE_URL) and, for the stories in
// sandboxes, the base image; `make test` sees to both.
package testscript

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/porttest"
	"github.com/cloudmastershub/cmh/server"
)

// TestStories runs every story in parallel against one server.
func TestStories(t *testing.T) {
	bin := build(t, slices.Collect(maps.Keys(programs))...)
	tell(t, bin, serve(t, bin), ".")
}

// TestStoriesOfLimits are told to a server that has them.
func TestStoriesOfLimits(t *testing.T) {
	bin := build(t, "cmh", "cmh-format", "cmh-server", "lab-agent", "lab-tiny")
	tell(t, bin, serve(t, bin, "CMH_LAB_MINUTES=15"), "limits")
}

// tell runs the stories of a folder.
func tell(t *testing.T, bin string, h hubServer, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			heirtest.Leave(t, env.WorkDir)
			who := "u" + strings.ToLower(rand.Text()[:10])
			env.Vars = append(env.Vars,
				"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
				"HOME="+env.WorkDir, "TERM=dumb", "CI=true",
				"CMH_CONFIG_DIR="+filepath.Join(env.WorkDir, "config"), "CMH_SERVER="+h.api,
				"SSH_HOST="+h.sshHost, "SSH_PORT="+h.sshPort,
				"WHO="+who, "EMAIL="+who+"@example.com",
				"CMH_DATA_DIR="+h.dataDir, "CMH_DATABASE_URL="+h.databaseURL,
			)
			env.Vars = append(env.Vars, counting()...)
			return os.WriteFile(filepath.Join(env.WorkDir, "password"), []byte("correct horse "+who+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"capture":  capture,
			"converse": converse,
		},
	})
}

// exits runs a command that must end with one exit status: exits 3 cmh lab
// check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// capture puts what was printed last into a variable: capture SESSION.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

var programs = map[string]string{"cmh": "../../cmd/cmh", "cmh-author": "../../cmd/author", "cmh-format": "../../cmd/format", "cmh-server": "../../cmd/server", "lab-agent": "../../labs/agent", "lab-tiny": "../../labs/image/tiny"}

// build makes programs.
func build(t *testing.T, names ...string) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range names {
		pkg := programs[name]
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), pkg)
		if name != "cmh-server" { // static, as make builds them
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return bin
}

// counting tells programs that were built to count the statements they reach
// where to write that. go test sets GOCOVERDIR to a folder that it throws away.
func counting() []string {
	if dir := os.Getenv("CMH_COVERDIR"); dir != "" {
		return []string{"GOCOVERDIR=" + dir}
	}
	return nil
}

type hubServer struct {
	api, sshHost, sshPort, dataDir, databaseURL string

	settings []string // of its environment, beside those of all
	pid      int
	signal   func(os.Signal) // to the process, and waits for its end
}

// serve starts a server with a database of its own, and stops it with the test.
func serve(t *testing.T, bin string, settings ...string) hubServer {
	t.Helper()
	h := hubServer{sshHost: "127.0.0.1", sshPort: porttest.Free(t), dataDir: t.TempDir(), databaseURL: database(t), settings: settings}
	heirtest.Leave(t, h.dataDir)
	h.api = "http://127.0.0.1:" + porttest.Free(t)
	h.launch(t, bin)
	return h
}

// launch starts the server's process, also in the place of one that has ended.
func (h *hubServer) launch(t *testing.T, bin string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "cmh-server"), "serve")
	cmd.Env = append(os.Environ(), "CMH_DATA_DIR="+h.dataDir, "CMH_DATABASE_URL="+h.databaseURL, "CMH_LAB_AGENT="+filepath.Join(bin, "lab-agent"),
		"CMH_API_ADDR="+strings.TrimPrefix(h.api, "http://"), "CMH_SSH_ADDR="+net.JoinHostPort(h.sshHost, h.sshPort))
	cmd.Env = append(cmd.Env, "CMH_LIMIT_GUEST=0", "CMH_LIMIT_SIGN_IN=0", "CMH_LAB_MINUTES=0")
	cmd.Env = append(append(cmd.Env, h.settings...), counting()...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 60 * time.Second
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.pid = cmd.Process.Pid
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			select {
			case ready <- lines.Text():
			default: // the first line says that it is ready
			}
		}
		_ = cmd.Wait()
	}()
	h.signal = func(sig os.Signal) {
		_ = cmd.Process.Signal(sig)
		<-ended
	}
	t.Cleanup(func() {
		<-ended // t.Context has ended, so the server is told to
		clearLabs(t, h.dataDir, filepath.Join(bin, "lab-agent"))
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.String())
		}
	})
	select {
	case line := <-ready:
		t.Log(line)
	case <-ended:
		t.Fatalf("the server ended:\n%s", log.String())
	case <-time.After(5 * time.Minute):
		t.Fatalf("the server did not get ready")
	}
}

// clearLabs destroys the sandboxes that stories left running: they outlive
// their server, and nobody finds them once its folder is gone.
func clearLabs(t *testing.T, dataDir, agent string) {
	t.Helper()
	store, err := server.OpenImages(server.Config{ImageDir: os.Getenv("CMH_IMAGE_DIR")})
	if err != nil {
		t.Fatal(err)
	}
	d, err := local.Open(context.Background(), local.Config{State: filepath.Join(dataDir, "labs"), Images: store, Agent: agent})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := labs.Clear(context.Background(), d); err != nil {
		t.Error(err)
	}
}

// database makes an empty database that goes away with the test.
func database(t *testing.T) string {
	t.Helper()
	base := os.Getenv("CMH_TEST_DATABASE_URL")
	if base == "" {
		t.Fatal("CMH_TEST_DATABASE_URL is not set: run the tests with `make test`, which starts a PostgreSQL for them")
	}
	name := "stories_" + strings.ToLower(rand.Text())
	admin := func(ctx context.Context, sql string) error {
		c, err := pgx.Connect(ctx, base)
		if err != nil {
			return err
		}
		defer c.Close(ctx)
		_, err = c.Exec(ctx, sql)
		return err
	}
	if err := admin(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(fmt.Errorf("CMH_TEST_DATABASE_URL must be a postgres:// address: %w", err))
	}
	u.Path = "/" + name
	return u.String()
}
