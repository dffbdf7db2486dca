package image

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

func TestTinyIsMadeOfOneProgram(t *testing.T) {
	t.Parallel()
	s := store(t)
	if _, err := s.Resolve(Tiny); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("without its program: %v", err)
	}
	program := filepath.Join(t.TempDir(), "lab-tiny")
	if err := os.WriteFile(program, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.UseTiny(program)
	r, err := s.Resolve(Tiny)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"bin/lab-tiny": "one", "bin/sh": "one", "bin/ls": "one"} {
		raw, err := os.ReadFile(filepath.Join(r.Path, file))
		if st, statErr := os.Stat(filepath.Join(r.Path, file)); err != nil || statErr != nil || string(raw) != want || st.Mode().Perm() != 0o755 {
			t.Errorf("%s: %q, %v, %v", file, raw, err, st)
		}
	}
	again, err := s.Resolve(Tiny)
	if err != nil || again.Path != r.Path || !again.Created.Equal(r.Created) {
		t.Errorf("made twice: %v, %v", again, err)
	}
	if err := os.WriteFile(program, []byte("the next version"), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := s.Resolve(Tiny)
	if err != nil || next.Digest == r.Digest {
		t.Fatalf("after an upgrade: %v, %v", next, err)
	}
	if removed, err := s.GC(t.Context()); err != nil || len(removed) != 1 || removed[0] != r.Digest {
		t.Errorf("collected %v, %v", removed, err)
	}
}
