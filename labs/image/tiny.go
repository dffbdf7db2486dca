package image

import (
	"crypto/sha256"
	_ "embed" // the names of the tools
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/labs"
)

// tinyVersion is part of the tiny image's digest: raise it when the code below
// makes a different tree of the same program.
const tinyVersion = "1"

//go:embed tiny/names.txt
var tinyNames string

// tinyProgram is lab-tiny, whose digest is counted once.
type tinyProgram struct {
	path string

	mu     sync.Mutex
	seen   fs.FileInfo
	digest string
}

// UseTiny says where the lab-tiny program lies, which is all that the tiny
// image is made of. It comes with the server, so that a lab can run where
// nothing can be built or fetched.
func (s *Store) UseTiny(program string) { s.tiny.path = program }

// tinyRoot makes the image the first time it is asked for.
func (s *Store) tinyRoot() (Root, error) {
	program, err := os.Open(s.tiny.path)
	if s.tiny.path == "" || errors.Is(err, fs.ErrNotExist) {
		return Root{}, fmt.Errorf("%w: %s: the lab-tiny program that it is made of is missing: %s", labs.ErrNoImage, Tiny, s.tiny.path)
	}
	if err != nil {
		return Root{}, fmt.Errorf("make the tiny image: %w", err)
	}
	defer program.Close()
	digest, err := s.tiny.sum(program)
	if err != nil {
		return Root{}, fmt.Errorf("make the tiny image: %w", err)
	}
	if have, err := s.read(Tiny, folder(digest)); err == nil {
		return have, nil
	}
	r := Root{Name: Tiny, Digest: digest, Source: "a shell and small tools, with the server"}
	return s.install(nil, r, func(tree string) error { return writeTiny(tree, program) })
}

func (t *tinyProgram) sum(program *os.File) (string, error) {
	st, err := program.Stat()
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen != nil && os.SameFile(st, t.seen) && st.Size() == t.seen.Size() && st.ModTime().Equal(t.seen.ModTime()) {
		return t.digest, nil
	}
	h := sha256.New()
	fmt.Fprintf(h, "tiny %s %d\n%s", tinyVersion, os.Geteuid(), tinyNames)
	if _, err := io.Copy(h, program); err != nil {
		return "", err
	}
	t.seen, t.digest = st, "sha256:"+hex.EncodeToString(h.Sum(nil))
	return t.digest, nil
}

var tinyFiles = map[string]string{
	"etc/passwd":     "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
	"etc/group":      "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
	"etc/shadow":     "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
	"etc/os-release": "ID=cmh-tiny\nNAME=\"CloudMastersHub tiny\"\nPRETTY_NAME=\"CloudMastersHub tiny\"\n",
	"etc/motd":       "",
}

func writeTiny(tree string, program io.ReadSeeker) error {
	for dir, mode := range map[string]fs.FileMode{
		"bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o755, "root": 0o700, "run": 0o755, "sys": 0o755,
		"tmp": 0o777 | fs.ModeSticky, "usr": 0o755, "var": 0o755, "var/log": 0o755, "var/tmp": 0o777 | fs.ModeSticky,
	} {
		path := filepath.Join(tree, dir)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			return err
		}
	}
	for name, text := range tinyFiles {
		mode := fs.FileMode(0o644)
		if name == "etc/shadow" {
			mode = 0o640
		}
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), mode); err != nil {
			return err
		}
	}
	if _, err := program.Seek(0, io.SeekStart); err != nil {
		return err
	}
	to, err := os.OpenFile(filepath.Join(tree, "bin/lab-tiny"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, program); err != nil {
		to.Close()
		return err
	}
	if err := errors.Join(to.Chmod(0o755), to.Close()); err != nil {
		return err
	}
	for name := range strings.FieldsSeq(tinyNames) {
		if err := os.Symlink("lab-tiny", filepath.Join(tree, "bin", name)); err != nil {
			return err
		}
	}
	return errors.Join(os.Symlink("../bin", filepath.Join(tree, "usr/bin")), os.Symlink("bin", filepath.Join(tree, "sbin")))
}
