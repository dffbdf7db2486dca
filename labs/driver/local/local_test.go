package local_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// agentBinary is built once for all tests of the package.
var agentBinary string

func TestMain(m *testing.M) {
	if agentBinary = os.Getenv("TEST_AGENT"); agentBinary != "" { // TestOrdinaryUser's other process
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "cmh-local-test-")
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
	if err := os.Chmod(dir, 0o755); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// testImage is the installed Debian image where there is one (it takes a
// minute to build), else the host's /usr, which is enough for every test.
func testImage(t testing.TB) (*image.Store, string) {
	t.Helper()
	dir := os.Getenv("CMH_IMAGE_DIR")
	if dir == "" && os.Geteuid() == 0 {
		dir = "/var/cache/cmh/images"
	}
	if dir != "" {
		if s, err := image.Open(dir); err == nil {
			if _, err := s.Resolve(image.Default); err == nil {
				return s, image.Default
			}
		}
	}
	s, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s, image.Host
}

func open(t testing.TB, state string, s *image.Store) *local.Driver {
	t.Helper()
	heirtest.Leave(t, state)
	d, err := local.Open(t.Context(), local.Config{State: state, Images: s, Agent: agentBinary})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cleanUp destroys whatever a failed test left, before its folder goes.
func cleanUp(t testing.TB, d labs.Driver) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := labs.Clear(ctx, d); err != nil {
			t.Error(err)
		}
		if c, ok := d.(*local.Driver); ok {
			c.Close() // and with the last sandbox, the cgroups they shared
		}
	})
}

func TestConformance(t *testing.T) {
	store, name := testImage(t)
	state := t.TempDir()
	report := local.Probe(t.Context())
	drivertest.Run(t, name, drivertest.Features{Limits: report.MultiLearner, UIDs: os.Geteuid() == 0}, func(t *testing.T) labs.Driver {
		d := open(t, state, store)
		cleanUp(t, d)
		return d
	})
}

func TestLinks(t *testing.T) {
	store, name := testImage(t)
	state := t.TempDir()
	if os.Geteuid() != 0 {
		if err := open(t, state, store).Linkable(); err == nil {
			t.Error("an ordinary user is promised what only root can do")
		}
		return
	}
	drivertest.RunLinks(t, name, func(t *testing.T) labs.Driver {
		d := open(t, state, store)
		cleanUp(t, d)
		return d
	})
}
