package update_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/cmd/cmh/update"
)

func TestOnceADay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	n := update.News{File: filepath.Join(t.TempDir(), "a", "version.json"), Own: "v1.4.0", Now: func() time.Time { return now }}
	if !n.Due() || n.Tell() != "" {
		t.Error("of a hub that was never asked")
	}
	n.Heard("v1.10.0")
	if n.Due() {
		t.Error("asked again at once")
	}
	if got := n.Tell(); got != "1.10.0" {
		t.Errorf("told of %q", got)
	}
	if got := n.Tell(); got != "" {
		t.Errorf("told again of %q", got)
	}
	now = now.Add(25 * time.Hour)
	if !n.Due() || n.Tell() != "1.10.0" {
		t.Error("not told on the next day")
	}
	now = now.Add(-30 * 24 * time.Hour)
	if !n.Due() {
		t.Error("a clock that was set back silences it")
	}
	if err := os.WriteFile(n.File, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !n.Due() || n.Tell() != "" {
		t.Error("a damaged file counts")
	}
}

func TestWhatIsNewer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		own, theirs string
		told        bool
	}{
		{"v1.4.0", "v1.4.1", true},
		{"1.4.0", "v2.0.0", true},
		{"v1.9.0", "v1.10.0", true},
		{"v1.4.0", "v1.4.0", false},
		{"v1.4.1", "v1.4.0", false},
		{"v1.4.0", "v1.5.0-rc.1", false},
		{"v1.4.0", "v1.4.0-3-gabcdef0", false},
		{"v1.4.0-3-gabcdef0", "v9.0.0", false},
		{"0.0.0-dev+abc", "v9.0.0", false},
		{"v1.4.0", "\x1b[31mv9.0.0", false},
		{"v1.4.0", "9", false},
		{"v1.4.0", "9.00.1", false},
		{"v1.4.0", "99999999999999999999.0.0", false},
	} {
		n := update.News{File: filepath.Join(t.TempDir(), "version.json"), Own: c.own, Now: time.Now}
		n.Heard(c.theirs)
		if got := n.Tell(); (got != "") != c.told {
			t.Errorf("%s at a hub of %s: told of %q", c.own, c.theirs, got)
		}
	}
}
