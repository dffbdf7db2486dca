package deploy_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/porttest"
)

// The server's image is made twice, to the same layers, and runs: as nobody in
// particular where its database is away, and then says so; and with one, on a
// file system that can't be written.
func TestContainer(t *testing.T) {
	t.Parallel()
	engine := os.Getenv("CMH_TEST_DOCKER")
	if engine == "" {
		if os.Geteuid() == 0 || os.Getenv("CI") != "" {
			t.Fatal("CMH_TEST_DOCKER is not set: run the tests with `make test`, which starts an engine")
		}
		t.Skip("it needs an engine")
	}
	run := func(name string, args ...string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "DOCKER_HOST="+engine, "GOFLAGS=", "CONTAINER=docker")
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	must := func(name string, args ...string) string {
		t.Helper()
		out, err := run(name, args...)
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return out
	}
	tag := "cmh-server:t" + strings.ToLower(rand.Text())
	var layers [2]string
	for i := range layers {
		must("deploy/local/container.sh", "image", tag, "-s -w")
		layers[i] = must("docker", "image", "inspect", "-f", "{{json .RootFS.Layers}}", tag)
		id := must("docker", "image", "inspect", "-f", "{{.Id}}", tag)
		if i == 0 {
			must("docker", "rmi", "-f", id) // or the second would be the first
		}
		t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "docker", "-H", engine, "rmi", "-f", id).Run() })
	}
	if layers[0] != layers[1] {
		t.Errorf("two images of one tree:\n%s\n%s", layers[0], layers[1])
	}
	if user := must("docker", "image", "inspect", "-f", "{{.Config.User}}", tag); user != "65532:65532" {
		t.Errorf("it runs as %q", user)
	}
	if out := must("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", tag, "version"); !strings.HasPrefix(out, "cmh-server ") {
		t.Errorf("version: %s", out)
	}

	status := func(addr, path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	serve := func(with ...string) (id, addr string) {
		t.Helper()
		addr = "127.0.0.1:" + porttest.Free(t)
		args := append([]string{
			"run", "-d", "--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
			"-e", "CMH_API_ADDR=" + addr, "-e", "CMH_SSH_ADDR=127.0.0.1:0", "-e", "CMH_DRAIN=0s",
		}, with...)
		id = must("docker", append(args, tag)...)
		t.Cleanup(func() {
			if t.Failed() {
				out, _ := exec.CommandContext(context.Background(), "docker", "-H", engine, "logs", id).CombinedOutput()
				t.Logf("%s: %s", addr, out)
			}
			_ = exec.CommandContext(context.Background(), "docker", "-H", engine, "rm", "-fv", id).Run()
		})
		return id, addr
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		limit, tick := time.After(5*time.Minute), time.NewTicker(50*time.Millisecond)
		defer tick.Stop()
		for !ok() {
			select {
			case <-tick.C:
			case <-limit:
				t.Fatalf("never: %s", what)
			}
		}
	}

	alone, addr := serve("-e", "CMH_DATABASE_URL=postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	until("it lives", func() bool { return status(addr, "/healthz") == http.StatusOK })
	if got := status(addr, "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("without its database it is ready: %d", got)
	}
	if out, err := run("docker", "exec", alone, "cmh-server", "ready"); err == nil {
		t.Errorf("without its database: %s", out)
	}

	base, err := url.Parse(os.Getenv("CMH_TEST_DATABASE_URL"))
	if err != nil || base.Query().Get("host") == "" {
		t.Fatalf("CMH_TEST_DATABASE_URL is not a socket's: run the tests with `make test` (%v)", err)
	}
	db := "container_" + strings.ToLower(rand.Text())
	must("psql", base.String(), "-qc", "CREATE DATABASE "+db)
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "psql", base.String(), "-qc", "DROP DATABASE "+db+" WITH (FORCE)").Run()
	})
	of := *base
	of.Path = "/" + db
	// The socket's folder is its owner's alone, so this one has to be root, over what is somebody else's.
	whole, addr := serve("--user", "0", "--cap-add", "DAC_OVERRIDE", "--cap-add", "FOWNER", "-v", base.Query().Get("host")+":"+base.Query().Get("host"), "-e", "CMH_DATABASE_URL="+of.String())
	until("it is ready", func() bool { return status(addr, "/readyz") == http.StatusOK })
	if got := status(addr, "/v1/courses"); got != http.StatusOK {
		t.Errorf("courses: %d", got)
	}
	until("it says so itself", func() bool { _, err := run("docker", "exec", whole, "cmh-server", "ready"); return err == nil })
	until("the engine says that it is healthy", func() bool {
		return must("docker", "inspect", "-f", "{{.State.Health.Status}}", whole) == "healthy"
	})
	must("docker", "stop", "-t", "60", whole)
	if code := must("docker", "inspect", "-f", "{{.State.ExitCode}}", whole); code != "0" {
		t.Errorf("it stopped with %s: %s", code, must("docker", "logs", whole))
	}
}
