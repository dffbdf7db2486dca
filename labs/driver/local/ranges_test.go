package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRangesOfOthers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		free       bool
	}{
		{"none", "", true},
		{"the usual", "ana:100000:65536\nben:165536:65536\n", true},
		{"systemd's", "containers:524288:1878523904\n", true},
		{"up to ours", "ana:1:1879048191\n", true},
		{"one too many", "ana:1:1879048192\n", false},
		{"behind ours", "ana:2147090432:65536\n", true},
		{"within", "# x\nana:100000:65536\nbig:2000000000:65536\n", false},
		{"nonsense", "ana:x:y\n:::\n", true},
	} {
		file := filepath.Join(t.TempDir(), "subuid")
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if detail, free := findRanges(filepath.Join(t.TempDir(), "none"), file); free != tc.free {
			t.Errorf("%s: %v, %s", tc.name, free, detail)
		}
	}
}
