package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// reader reads one scenario and collects what is wrong with it.
type reader struct {
	fsys     fs.FS
	dir      string
	sums     map[string][sha256.Size]byte // of every file read, by path
	warnings []Warning
	ports    map[int]bool // mentioned in texts and scripts
	texts    []string     // of every page
	commands []string     // that a page has the learner run
	programs []string     // among the assets
	hosts    []string     // that they are to be run on
	others   []hostAssets // of hosts besides the first
	budget   *int64       // bytes that may still be read; shared by a repository or a course
}

// maxContent bounds what all references of a repository or a course together
// may read: an index can name one file a thousand times.
const maxContent = 128 << 20

// beyond is said of what passes maxContent.
var beyond = fmt.Sprintf("refers, with the scenarios before it, to more than the %d MiB that all may have together; a file counts each time that it is named", maxContent>>20)

func newReader(fsys fs.FS, dir string) *reader {
	budget := int64(maxContent)
	return &reader{
		fsys: fsys, dir: path.Clean(dir), sums: map[string][sha256.Size]byte{}, ports: map[int]bool{}, budget: &budget,
	}
}

// edition is part of every hash: raise it when the normal form changes, so that
// a re-import makes new versions.
const edition = "cmh scenario 5\n"

// indexNames are the files that make a directory a scenario, the first one
// wins.
var indexNames = []string{"index.json", "index.yaml", "index.yml"}

// Read reads the scenario in dir of fsys; "." is its root. Whatever an author
// got wrong becomes a warning if a learner can still use the scenario, and an
// *Error otherwise.
func Read(fsys fs.FS, dir string) (*Scenario, error) { return newReader(fsys, dir).all() }

// Together returns a Read of scenarios in fsys that share the bound on what one
// may refer to: the scenarios of a course, so that many have no more than one.
func Together(fsys fs.FS) (read func(dir string) (*Scenario, error)) {
	budget := int64(maxContent)
	return func(dir string) (*Scenario, error) {
		r := newReader(fsys, dir)
		r.budget = &budget
		return r.all()
	}
}

func (r *reader) all() (*Scenario, error) {
	root, err := r.index()
	if err != nil {
		return nil, err
	}
	s := &Scenario{Dir: r.dir}
	r.scenario(s, root)
	if err := r.labYAML(s); err != nil {
		return nil, err
	}
	if err := r.assets(s, root); err != nil {
		return nil, err
	}
	if *r.budget <= 0 {
		return nil, &Error{File: r.dir, Text: beyond}
	}
	r.needs(s)
	if s.Licence = licence(r.fsys); s.Licence == "" {
		s.Licence = NoLicence
	}
	root.unknown("", func(key string) { s.UnknownKeys = append(s.UnknownKeys, key) })
	slices.Sort(s.UnknownKeys)
	s.UnknownKeys = slices.Compact(s.UnknownKeys)
	if s.Hash, err = r.hash(); err != nil {
		return nil, err
	}
	s.Warnings = r.warnings
	return s, nil
}

// index parses the scenario's index file.
func (r *reader) index() (*node, error) {
	for _, name := range indexNames {
		file := path.Join(r.dir, name)
		b, err := r.read(file, maxText, anyLink)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &Error{File: file, Text: why(err)}
		}
		parse := r.parseJSON
		if name != "index.json" {
			parse = r.parseYAML
		}
		n, err := parse(file, b)
		if err != nil {
			return nil, err
		}
		if n.kind != object {
			return nil, &Error{File: file, Line: n.line, Text: "the index should be an object, it is " + n.kind.String()}
		}
		return n, nil
	}
	return nil, &Error{File: path.Join(r.dir, indexNames[0]), Text: "does not exist; a scenario is a directory with an index.json"}
}

// sum makes b, read from p, part of the scenario's hash.
func (r *reader) sum(p string, b []byte) { r.sums[p] = sha256.Sum256(b) }

// hash names the content of the directory and of everything read outside it.
func (r *reader) hash() (string, error) {
	err := fs.WalkDir(r.fsys, r.dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if p != r.dir && (skipped(d.Name()) || r.hasIndex(p)) {
				return fs.SkipDir // a scenario inside this one is its own
			}
		case d.Type().IsRegular():
			if _, known := r.sums[p]; known {
				return nil
			}
			b, err := readCapped(r.fsys, p, maxAsset)
			if err != nil {
				r.warn(p, 0, "%s; not looked at", why(err))
				return nil
			}
			r.sum(p, b)
		}
		return nil
	})
	if err != nil {
		return "", &Error{File: r.dir, Text: why(err)}
	}
	names := make([]string, 0, len(r.sums))
	for p := range r.sums {
		names = append(names, p)
	}
	slices.Sort(names)
	h := sha256.New()
	h.Write([]byte(edition))
	for _, p := range names {
		fmt.Fprintf(h, "%q %x\n", strings.TrimPrefix(p, r.dir+"/"), r.sums[p])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (r *reader) hasIndex(dir string) bool {
	for _, name := range indexNames {
		if _, err := fs.Stat(r.fsys, path.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// skipped names directories that never hold content.
func skipped(name string) bool {
	return name == "node_modules" || (strings.HasPrefix(name, ".") && name != ".")
}
