// Package deploy_test holds the module to its rules about dependencies: what
// must not be in the build, and which versions are too old.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// floors are the first versions without a known hole, or without a known
// fault. Go's minimal version selection likes to land below them.
var floors = map[string]string{
	"golang.org/x/crypto":           "v0.52.0", // 13 advisories on SSH
	"github.com/jackc/pgx/v5":       "v5.9.2",  // injection through a simple query
	"github.com/yuin/goldmark":      "v1.7.17", // unbounded time on hostile Markdown
	"github.com/mattn/go-runewidth": "v0.0.30", // 30 ms at every start before it
	"charm.land/ssh":                "v0.4.1",  // session of somebody else
	"charm.land/wish/v2":            "v2.0.1",  // CVE-2026-41589
}

// denied are modules that must not be linked, not even by way of another.
// Charm's v1 family is frozen with holes in it that no advisory names.
var denied = []string{
	"github.com/charmbracelet/bubbletea",
	"github.com/charmbracelet/lipgloss",
	"github.com/charmbracelet/bubbles",
	"github.com/charmbracelet/glamour",
	"github.com/charmbracelet/huh",
	"github.com/charmbracelet/wish",
	"github.com/charmbracelet/ssh",
	"github.com/charmbracelet/log",
	"github.com/charmbracelet/fang",
	"github.com/lib/pq",
	"github.com/docker/docker",
}

func TestModules(t *testing.T) {
	t.Parallel()
	for path, version := range modules(t, "./...", "-test") {
		for _, d := range denied {
			if path == d {
				t.Errorf("%s %s is linked, and must not be", path, version)
			}
		}
		if floor := floors[path]; floor != "" && semver.Compare(version, floor) < 0 {
			t.Errorf("%s is %s, and has to be %s or newer", path, version, floor)
		}
	}
}

// What cmh links decides how fast it starts, and server code in it would be
// somebody else's business. Each of these costs every start, or every
// download, more than the rest of cmh.
func TestClientStaysSmall(t *testing.T) {
	t.Parallel()
	linked := modules(t, "./cmd/cmh")
	for _, path := range []string{
		"github.com/gin-gonic/gin", "github.com/itchyny/gojq", "github.com/yuin/goldmark", "github.com/99designs/gqlgen", "github.com/jackc/pgx/v5", "github.com/alecthomas/chroma/v2", "github.com/microcosm-cc/bluemonday", "github.com/gdamore/tcell/v2",
		"github.com/google/go-containerregistry", "github.com/docker/cli", "github.com/moby/moby/client", "github.com/elastic/go-seccomp-bpf",
		"github.com/vishvananda/netlink", "github.com/prometheus/client_golang", "go.opentelemetry.io/otel/sdk", "google.golang.org/grpc", "github.com/pires/go-proxyproto",
	} {
		if _, ok := linked[path]; ok {
			t.Errorf("cmh links %s", path)
		}
	}
	packages := list(t, "./cmd/cmh", "{{.ImportPath}}")
	for _, path := range []string{"github.com/cloudmastershub/cmh/labs", "github.com/cloudmastershub/cmh/labs/driver/local"} {
		if slices.Contains(packages, path) {
			t.Errorf("cmh links %s", path)
		}
	}
}

// What runs before main is counted in allocations: unlike its time they are the
// same on every machine.
func TestClientStartsAtOnce(t *testing.T) {
	t.Parallel()
	const allocations, size = 1_650, 15_000_000
	bin := filepath.Join(t.TempDir(), "cmh")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, "./cmd/cmh")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > size {
		t.Errorf("cmh is %d bytes, and may be %d", info.Size(), size)
	}
	cmd := exec.CommandContext(t.Context(), bin, "--version")
	cmd.Env = []string{"HOME=" + t.TempDir(), "GODEBUG=inittrace=1"}
	trace, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, trace)
	}
	total, lines := 0, []string{}
	for line := range strings.Lines(string(trace)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[0] != "init" {
			continue
		}
		n, err := strconv.Atoi(f[len(f)-2])
		if err != nil {
			t.Fatal(line)
		}
		total += n
		if n > 50 {
			lines = append(lines, f[len(f)-2]+" "+f[1])
		}
	}
	t.Logf("%d allocations before main, %d bytes", total, info.Size())
	if total == 0 || total > allocations {
		t.Errorf("%d allocations before main, and there may be %d:\n%s", total, allocations, strings.Join(lines, "\n"))
	}
}

// modules lists what pattern links: module path to version.
func modules(t *testing.T, pattern string, flags ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, line := range list(t, pattern, "{{with .Module}}{{.Path}} {{.Version}}{{end}}", flags...) {
		if path, version, ok := strings.Cut(line, " "); ok {
			all[path] = version
		}
	}
	return all
}

// list asks go about everything that pattern links.
func list(t *testing.T, pattern, format string, flags ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", format}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, pattern)...)
	cmd.Dir = ".."
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.String())
	}
	return strings.Split(string(out), "\n")
}
