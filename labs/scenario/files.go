package scenario

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/words"
)

// Caps on single files. Real texts stay below 100 kB and real scripts below
// 60 kB; what is larger is not what it claims to be.
const (
	maxText   = 1 << 20
	maxScript = 1 << 20
	maxHops   = 40 // symbolic links followed in one path
)

// errOutside is a reference that leaves the place it may point into.
var errOutside = errors.New(words.Kept("leaves the repository"))

// clean turns a reference written in a file of dir into a path of the
// repository. A leading slash or "./" means dir, as both platforms had it.
func clean(dir, ref string) (string, error) {
	ref = strings.ReplaceAll(strings.TrimSpace(ref), `\`, "/")
	if ref = strings.TrimLeft(ref, "/"); ref == "" {
		return "", fs.ErrNotExist
	}
	p := path.Join(dir, ref)
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", errOutside
	}
	if !fs.ValidPath(p) {
		return "", fs.ErrNotExist
	}
	return p, nil
}

// within reports whether p is dir or below it.
func within(dir, p string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// resolve follows the symbolic links of p, and the small text files that stand
// for links where an archive or a checkout lost them. No link leaves fsys.
func resolve(fsys fs.FS, p string) (string, error) {
	todo, done, hops := strings.Split(p, "/"), ".", 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if done == "." {
				return "", errOutside
			}
			done = path.Dir(done)
			continue
		}
		at := path.Join(done, name)
		info, err := fs.Lstat(fsys, at)
		if err != nil {
			return "", err
		}
		target := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if target, err = fs.ReadLink(fsys, at); err != nil {
				return "", err
			}
		case info.Mode().IsRegular() && len(todo) > 0:
			target = linkText(fsys, at, info)
			if target == "" {
				return "", fs.ErrNotExist
			}
		default:
			done = at
			continue
		}
		if hops++; hops > maxHops {
			return "", errors.New(words.Kept("too many symbolic links"))
		}
		if path.IsAbs(target) {
			return "", errOutside
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return done, nil
}

// linkText is the target of a link that became a text file, or "".
func linkText(fsys fs.FS, p string, info fs.FileInfo) string {
	if info.Size() == 0 || info.Size() >= 300 {
		return ""
	}
	b, err := fs.ReadFile(fsys, p)
	if err != nil || !utf8.Valid(b) {
		return ""
	}
	target := strings.TrimSpace(string(b))
	if target == "" || strings.ContainsAny(target, "\n\x00 ") || path.IsAbs(target) {
		return ""
	}
	if to := path.Join(path.Dir(p), target); to == p || !fs.ValidPath(to) {
		return ""
	} else if _, err := fs.Stat(fsys, to); err != nil {
		return ""
	}
	return target
}

// anyLink takes every text that names an existing file for a lost link.
func anyLink(string) bool { return true }

// read returns the bytes of the file at p, following links. The bytes count in
// the scenario's hash, wherever they lie. lost says that the file itself may be
// a link that became a text.
func (r *reader) read(p string, limit int64, lost func(target string) bool) ([]byte, error) {
	real, err := resolve(r.fsys, p)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(r.fsys, real)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(words.Kept("is not a file"))
	}
	if target := linkText(r.fsys, real, info); target != "" && lost(target) {
		if to, err := resolve(r.fsys, path.Join(path.Dir(real), target)); err == nil {
			real = to
		}
	}
	if *r.budget <= 0 {
		return nil, errors.New(words.Kept("is beyond what all scenarios may have together"))
	}
	b, err := readCapped(r.fsys, real, limit)
	if err == nil {
		*r.budget -= int64(len(b))
		r.sum(p, b)
	}
	return b, err
}

func readCapped(fsys fs.FS, p string, limit int64) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New(words.Kept("is larger than %d KiB", limit>>10))
	}
	return b, err
}

// why says in an author's words what is wrong with a reference.
func why(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return words.Kept("does not exist")
	case errors.Is(err, errOutside):
		return errOutside.Error()
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// decode turns the bytes of a text file into UTF-8 with LF line ends. What is
// no UTF-8 is Latin-1. NUL cannot be stored and means nothing in a text.
func decode(b []byte) string {
	s := ""
	switch {
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		s = decode16(b[2:], 0, 1)
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		s = decode16(b[2:], 1, 0)
	case utf8.Valid(b):
		s = strings.TrimPrefix(string(b), "\ufeff")
	default:
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		s = string(runes)
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(s)
}

func decode16(b []byte, low, high int) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[low])|uint16(b[high])<<8)
	}
	return string(utf16.Decode(units))
}
