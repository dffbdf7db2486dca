package server

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// However many processes begin at once, and whatever the machine is called, a
// data directory keeps its name.
func TestADataDirectoryKeepsItsNodeName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := make([]string, 8)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() {
			name, err := nodeName(dir)
			if err != nil {
				t.Error(err)
			}
			names[i] = name
		})
	}
	all.Wait()
	for _, n := range names {
		if n == "" || n != names[0] {
			t.Errorf("names %q", names)
			break
		}
	}
	if other, err := nodeName(t.TempDir()); err != nil || other == names[0] {
		t.Errorf("another directory is %q too: %v", other, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "node"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if name, err := nodeName(dir); err == nil {
		t.Errorf("an empty file names %q", name)
	}
}

// Learners pin the gateway's key, so a data directory has one for ever, which
// nobody else may read.
func TestTheHostKeyStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, key, err := hostKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	if err := os.Chmod(path, 0o644); err != nil { // somebody's umask, or backup
		t.Fatal(err)
	}
	again, same, err := hostKey(dir)
	if err != nil || string(again) != string(first) || string(same.Marshal()) != string(key.Marshal()) {
		t.Errorf("another start has another key: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if _, other, err := hostKey(t.TempDir()); err != nil || string(other.Marshal()) == string(key.Marshal()) {
		t.Errorf("two directories share a key: %v", err)
	}
}
