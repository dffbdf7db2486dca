// Package deploy_test holds the module to its rules about dependencies: what
// must not be in the build, and which versions are too old.
package deploy_test

import (
	"os/exec"
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
// somebody else's business.
func TestClientStaysSmall(t *testing.T) {
	t.Parallel()
	linked := modules(t, "./cmd/cmh")
	for _, path := range []string{"github.com/gin-gonic/gin", "github.com/jackc/pgx/v5", "github.com/alecthomas/chroma/v2", "github.com/microcosm-cc/bluemonday"} {
		if _, ok := linked[path]; ok {
			t.Errorf("cmh links %s", path)
		}
	}
}

// modules lists what pattern links: module path to version.
func modules(t *testing.T, pattern string, flags ...string) map[string]string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}"}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, pattern)...)
	cmd.Dir = ".."
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.String())
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[path] = version
		}
	}
	return all
}
