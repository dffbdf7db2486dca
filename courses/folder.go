package courses

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
)

// The bounds of a folder. A course has to fit into memory several times over
// while it is read, and into one answer of the API once it is published.
const (
	maxFile   = 1 << 20
	maxFolder = 32 << 20
	maxFiles  = 2000
	maxDepth  = 20
)

// folder is the content of a course folder, read once, so that nothing can
// change between the check and the use.
type folder struct {
	files    map[string][]byte
	hash     string
	texts    int // bytes of those that were taken from it, each as often as it was
	problems []Problem
}

// maxProblems bounds what one reading reports: past it, more of them help
// nobody.
const maxProblems = 50

func (f *folder) wrong(file string, line, col int, format string, args ...any) {
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, Problem{file, line, col, hub.Phrasef(format, args...)})
	}
}

func (f *folder) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	return &Error{f.problems}
}

// load reads every file of fsys. The hash covers names and contents, each with
// its length, so no two folders share one by moving a boundary.
func load(fsys fs.FS) (*folder, error) {
	f := &folder{files: map[string][]byte{}}
	sum, total := sha256.New(), 0
	// WalkDir goes in lexical order, which makes the hash stable.
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		case name == ".":
			return nil
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case strings.Count(name, "/") >= maxDepth:
			f.wrong(name, 0, 0, "lies too deep; keep files at most %d folders down.", maxDepth)
			return fs.SkipAll
		case !utf8.ValidString(name) || strings.ContainsFunc(name, refused):
			f.wrong(fmt.Sprintf("%q", name), 0, 0, "has a name with control characters; rename it.")
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			f.wrong(name, 0, 0, "is a link or a special file; put a copy of the file there.")
			return nil
		case len(f.files) == maxFiles:
			f.wrong(name, 0, 0, "is one file too many; a course folder holds at most %d.", maxFiles)
			return fs.SkipAll
		}
		data, err := readFile(fsys, name)
		if errors.Is(err, errTooLarge) {
			f.wrong(name, 0, 0, "is larger than %d KiB; make it smaller, or split it.", maxFile>>10)
			return nil
		}
		if err != nil {
			return err
		}
		if total += len(data); total > maxFolder {
			f.wrong(name, 0, 0, "makes the folder larger than %d MiB; leave large files out.", maxFolder>>20)
			return fs.SkipAll
		}
		f.files[name] = data
		for _, part := range [][]byte{[]byte(name), data} {
			_ = binary.Write(sum, binary.BigEndian, uint64(len(part)))
			sum.Write(part)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.hash = hex.EncodeToString(sum.Sum(nil))
	return f, f.err()
}

var errTooLarge = errors.New("file too large")

// readFile reads no more than the bound, whatever size the file claims.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxFile:
		return nil, errTooLarge
	}
	return data, nil
}

// text is a Markdown file, as it was written. Control characters stay: they
// are filtered where they would be drawn. Only what a database or JSON cannot
// hold is refused.
func (f *folder) text(name string) string {
	data := f.files[name]
	if f.texts += len(data); f.texts > maxFolder {
		f.wrong(name, 0, 0, "makes the texts of the course larger than %d MiB, because several lessons use the same files; use each once.", maxFolder>>20)
		return ""
	}
	for line, at := 1, 0; at < len(data); {
		r, n := utf8.DecodeRune(data[at:])
		switch {
		case r == utf8.RuneError && n == 1:
			f.wrong(name, line, 0, "is not UTF-8; save the file as UTF-8.")
			return ""
		case r == 0:
			f.wrong(name, line, 0, "holds a NUL character; remove it.")
			return ""
		case r == '\n':
			line++
		}
		at += n
	}
	return strings.TrimPrefix(string(data), "\ufeff")
}

// has reports whether the folder holds files below dir.
func (f *folder) has(dir string) bool {
	for name := range f.files {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// inside cleans a path that an author wrote. It is empty when the path leads
// out of the folder.
func inside(written string) string {
	p := path.Clean(strings.TrimPrefix(strings.ReplaceAll(written, `\`, "/"), "./"))
	if !fs.ValidPath(p) || p == "." {
		return ""
	}
	return p
}

// refused reports whether a character has no place in a title or a name: it
// would move the cursor, or turn the direction of what follows.
func refused(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true // bidirectional controls
	case r == 0x2028, r == 0x2029, r == 0xfeff, r == utf8.RuneError:
		return true
	}
	return false
}
