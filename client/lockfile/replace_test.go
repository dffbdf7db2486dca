package lockfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client/lockfile"
)

// A file that others read is replaced all the same, and each of them has read one
// of the two, whole.
func TestReplaceWhileRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, next := filepath.Join(dir, "file"), filepath.Join(dir, "next")
	write := func(name string, n int) {
		if err := os.WriteFile(name, []byte(strings.Repeat(string(rune('a'+n%26)), 1<<16)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, 0)
	for n := range 50 {
		write(next, n)
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				b, err := lockfile.ReadFile(file)
				if err != nil {
					t.Errorf("while it is replaced: %v", err)
				} else if len(b) != 1<<16 || strings.Trim(string(b), string(b[:1])) != "" {
					t.Errorf("read %d bytes that nobody wrote", len(b))
				}
			})
		}
		if err := lockfile.Replace(next, file); err != nil {
			t.Errorf("the %d. time: %v", n, err)
		}
		readers.Wait()
	}
}
