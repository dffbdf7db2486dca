package docker_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/docker"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// agentBinary is built once for all tests of the package.
var agentBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cmh-docker-test-")
	if err != nil {
		panic(err)
	}
	agentBinary = filepath.Join(dir, "lab-agent")
	build := exec.CommandContext(context.Background(), "go", "build", "-cover=false", "-o", agentBinary, "github.com/cloudmastershub/cmh/labs/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// engines are those that deploy/local/engines.sh started; make test runs in it.
func engines(t *testing.T) map[string]string {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("engines are started by root: run the tests as root")
		}
		t.Skip("engines are started by root")
	}
	all := map[string]string{}
	for name, variable := range map[string]string{"docker": "CMH_TEST_DOCKER", "podman": "CMH_TEST_PODMAN"} {
		if all[name] = os.Getenv(variable); all[name] != "" {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s names no engine: run the tests with make test, or in deploy/local/engines.sh", variable)
		}
		t.Skip("no engines: run the tests in deploy/local/engines.sh")
	}
	return all
}

func debian(t *testing.T) *image.Store {
	t.Helper()
	dir := os.Getenv("CMH_IMAGE_DIR")
	if dir == "" {
		dir = "/var/cache/cmh/images"
	}
	s, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(image.Default); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, host, state string, s *image.Store) *docker.Driver {
	t.Helper()
	return openAs(t, docker.Config{State: state, Images: s, Host: host})
}

func openAs(t testing.TB, cfg docker.Config) *docker.Driver {
	t.Helper()
	// Debian's runc is an old one; these tests attack nothing.
	cfg.Agent, cfg.OldRuntime = agentBinary, true
	d, err := docker.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := labs.Clear(context.Background(), d); err != nil {
			t.Error(err)
		}
		d.Close()
	})
	return d
}

func TestConformance(t *testing.T) {
	for name, host := range engines(t) {
		t.Run(name, func(t *testing.T) {
			store, state := debian(t), t.TempDir()
			drivertest.Run(t, image.Default, drivertest.Features{Limits: true, Unbounded: true, Bound: true}, func(t *testing.T) labs.Driver {
				return open(t, host, state, store)
			})
			// The engines of the tests lie on a file system without quotas.
			if docker.Bounds(t.Context(), open(t, host, state, store)) {
				t.Error("it is said to bound files")
			}
			nothingLeft(t, host, state)
		})
	}
}

// nothingLeft looks for containers and images of sandboxes that are gone.
func nothingLeft(t *testing.T, host, state string) {
	t.Helper()
	engine, err := client.New(client.WithHost(host))
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	all, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "cmh.state="+docker.StateKey(state))})
	if err != nil || len(all.Items) > 0 {
		t.Errorf("containers are left: %v, %v", all.Items, err)
	}
	images, err := engine.ImageList(t.Context(), client.ImageListOptions{})
	if err != nil {
		t.Error(err)
	}
	for _, i := range images.Items {
		if strings.Contains(strings.Join(i.RepoTags, " "), docker.StateKey(state)) {
			t.Errorf("the image %v is left", i.RepoTags)
		}
	}
}

func TestLinks(t *testing.T) {
	for name, host := range engines(t) {
		t.Run(name, func(t *testing.T) {
			store, state := debian(t), t.TempDir()
			drivertest.RunLinks(t, image.Default, func(t *testing.T) labs.Driver { return open(t, host, state, store) })
		})
	}
}

// Debian's runc lets people out by more than one known way.
func TestOldRuntimesAreRefused(t *testing.T) {
	for name, host := range engines(t) {
		_, err := docker.Open(t.Context(), docker.Config{State: t.TempDir(), Images: debian(t), Agent: agentBinary, Host: host})
		if version, runErr := exec.CommandContext(t.Context(), "runc", "--version").Output(); runErr != nil || !labs.RuncIsOld(string(version)) {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "can be broken out of") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
