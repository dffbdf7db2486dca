package server

import (
	"os"
	"path/filepath"
	"testing"
)

// Only an image that isn't there is called so, and answers end once they may be
// others: the server shows them for long.
func TestInstalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := Config{ImageDir: filepath.Join(dir, "images"), LabAgent: filepath.Join(dir, "lab-agent"), DataDir: dir}
	is, state, err := installed(cfg)
	if err != nil {
		t.Fatal(err)
	}
	last := state()
	changed := func() bool {
		before := last
		last = state()
		return last != before
	}
	if is("tiny") || is("none") || changed() {
		t.Error("what isn't there is there, or another answer is to come")
	}
	program, beside := filepath.Join(dir, "lab-tiny"), filepath.Join(dir, "beside")
	if err := os.WriteFile(program, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !changed() || !is("tiny") {
		t.Error("the program of the tiny image came, and nobody looked")
	}
	changed() // it was made then
	if changed() {
		t.Error("it goes on changing")
	}
	if err := os.Rename(program, beside); err != nil {
		t.Fatal(err)
	}
	if is("tiny") || !changed() {
		t.Error("it went, and nobody looked")
	}
	if err := os.Rename(beside, program); err != nil || !changed() || !is("tiny") {
		t.Error("it came back, and nobody looked")
	}
	metas, _ := filepath.Glob(filepath.Join(cfg.ImageDir, "sha256-*", "image.json"))
	if len(metas) != 1 {
		t.Fatal(metas)
	}
	if err := os.WriteFile(metas[0], nil, 0o600); err != nil { // as a full disk leaves it
		t.Fatal(err)
	}
	if !is("tiny") || !changed() || changed() || !is("tiny") || !changed() {
		t.Error("what can't be told is told, or for long")
	}
}
