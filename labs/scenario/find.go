package scenario

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/words"
)

// NoLicence stands in Scenario.Licence when the repository says nothing about
// rights.
const NoLicence = "none found"

// maxScenarios bounds a repository. The largest public one has 300 scenarios.
const maxScenarios = 1000

// Repository is the scenarios that were found in a file tree.
type Repository struct {
	Title       string // of its structure.json or its only pathway, if any
	Description string
	Private     bool
	Scenarios   []*Scenario // in the order of its author
	// Hidden are directories of scenarios that no list of the author's names;
	// they were not read.
	Hidden []string
	// Rejected are the scenarios that could not be read, with why.
	Rejected []Warning
	// Warnings concern the repository; those of a scenario are its own.
	Warnings []Warning
	Licence  string // file name, or NoLicence
}

// finder walks over one repository.
type finder struct {
	*reader
	dirs  map[string]bool // of scenarios
	taken map[string]bool // of dirs, those read
	lists map[string]bool // the directories whose structure.json was followed
	repo  *Repository
}

// Find reads every scenario of a repository. One that cannot be read is
// rejected and the others stay. It fails only when the tree itself cannot be
// walked.
func Find(fsys fs.FS) (*Repository, error) {
	f := finder{
		reader: newReader(fsys, "."),
		dirs:   map[string]bool{}, taken: map[string]bool{}, lists: map[string]bool{},
		repo: &Repository{Licence: licence(fsys)},
	}
	if f.repo.Licence == "" {
		f.repo.Licence = NoLicence
	}
	root := f.config()
	dirs, err := f.walk(root)
	if err != nil {
		return nil, err
	}
	pathways := f.pathways(root)
	for _, file := range pathways {
		f.pathway(root, file, len(pathways) == 1)
	}
	for _, dir := range dirs {
		if lister := f.lister(root, dir); lister != "" {
			f.structure(lister, lister == root)
			continue // named there, or not to be shown
		}
		f.add(dir, "", "")
	}
	for _, dir := range dirs {
		if !f.taken[dir] {
			f.repo.Hidden = append(f.repo.Hidden, dir)
		}
	}
	f.repo.Warnings = f.warnings
	return f.repo, nil
}

// config reads katacoda.yaml and returns where the walk begins.
func (f *finder) config() string {
	for _, name := range []string{"katacoda.yaml", "katacoda.yml"} {
		b, err := f.read(name, maxText, anyLink)
		if err != nil {
			continue
		}
		n, err := f.parseYAML(name, b)
		if err != nil || n.kind != object {
			f.warn(name, 0, "cannot be understood; ignored")
			continue
		}
		f.repo.Private = f.flag(n, "private")
		if ref := f.text(n, "scenario_root"); ref != "" {
			root, err := clean(".", ref)
			if err == nil && f.isDir(root) {
				return root
			}
			f.warn(name, n.line, "scenario_root: %q is no directory here", ref)
		}
	}
	return "."
}

var language = regexp.MustCompile(`^_([a-z]{2})$`)

// walk finds the directories of scenarios below root, in natural order.
// Translations are left to the scenarios beside them.
func (f *finder) walk(root string) ([]string, error) {
	var dirs []string
	err := fs.WalkDir(f.fsys, root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if p != root && (skipped(d.Name()) || language.MatchString(d.Name())) {
				return fs.SkipDir
			}
		case slices.Contains(indexNames, d.Name()) && !f.dirs[path.Dir(p)] && f.isScenario(p):
			if len(dirs) == maxScenarios {
				return &Error{File: p, Text: words.Kept("the repository has more than 1000 scenarios")}
			}
			f.dirs[path.Dir(p)] = true
			dirs = append(dirs, path.Dir(p))
		}
		return nil
	})
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, &Error{File: root, Text: why(err)}
	}
	slices.SortFunc(dirs, natural)
	return dirs, nil
}

// isScenario reports whether an index belongs to a scenario. A broken one does:
// its author wants to hear of it.
func (f *finder) isScenario(file string) bool {
	r := newReader(f.fsys, path.Dir(file))
	b, err := r.read(file, maxText, anyLink)
	if err != nil {
		return true
	}
	parse := r.parseJSON
	if path.Base(file) != "index.json" {
		parse = r.parseYAML
	}
	n, err := parse(file, b)
	return err != nil || n.get("details") != nil || n.get("backend") != nil
}

// lister is the outermost directory above dir, from root on, whose
// structure.json decides what is shown; "" when there is none.
func (f *finder) lister(root, dir string) string {
	found := ""
	for at := dir; at != root; {
		if at = path.Dir(at); f.exists(path.Join(at, "structure.json")) {
			found = at
		}
	}
	return found
}

// structure follows a structure.json, which names what is shown and in which
// order. It does so once.
func (f *finder) structure(dir string, top bool) {
	if f.lists[dir] {
		return
	}
	f.lists[dir] = true
	file := path.Join(dir, "structure.json")
	n := f.document(file)
	if n == nil {
		return
	}
	if top {
		f.repo.Title, f.repo.Description = f.text(n, "title"), f.text(n, "description")
	}
	for _, item := range f.objects(n, "items") {
		ref := f.text(item, "path")
		p, err := clean(dir, ref)
		if err == nil {
			p, err = resolve(f.fsys, p)
		}
		switch {
		case err != nil:
			f.warn(file, item.line, "path: %q %s; skipped", ref, why(err))
		case f.dirs[p] && !f.exists(path.Join(p, "structure.json")):
			f.add(p, f.text(item, "title"), f.text(item, "description"))
		case p != dir && f.isDir(p):
			f.list(p)
		default:
			f.warn(file, item.line, "path: %q holds no scenario; skipped", ref)
		}
	}
}

// list adds what a directory shows: what its structure.json names, itself, or
// the scenarios below it.
func (f *finder) list(dir string) {
	if f.exists(path.Join(dir, "structure.json")) {
		f.structure(dir, false)
		if !f.dirs[dir] {
			return
		}
	}
	if f.dirs[dir] {
		f.add(dir, "", "")
		return
	}
	var below []string
	for d := range f.dirs {
		if within(dir, d) {
			below = append(below, d)
		}
	}
	slices.SortFunc(below, natural)
	for _, d := range below {
		f.add(d, "", "")
	}
}

// pathways are the pathway files at root, in natural order.
func (f *finder) pathways(root string) []string {
	entries, err := fs.ReadDir(f.fsys, root)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-pathway.json") && !e.IsDir() {
			files = append(files, path.Join(root, e.Name()))
		}
	}
	slices.SortFunc(files, natural)
	return files
}

// pathway follows a Katacoda pathway: scenarios below the directory of its
// name, or of the one an entry names.
func (f *finder) pathway(root, file string, only bool) {
	n := f.document(file)
	if n == nil {
		return
	}
	if only {
		f.repo.Title, f.repo.Description = f.text(n, "title"), f.text(n, "description")
	}
	own := strings.TrimSuffix(path.Base(file), "-pathway.json")
	for _, c := range f.objects(n, "courses") {
		if f.text(c, "external_link") != "" {
			continue // a link is no scenario
		}
		under, id := f.text(c, "pathway_id"), f.text(c, "course_id")
		if under == "" {
			under = own
		}
		p, err := clean(root, path.Join(under, id))
		if err == nil {
			p, err = resolve(f.fsys, p)
		}
		if err != nil || id == "" || !f.dirs[p] {
			f.warn(file, c.line, "there is no scenario %s; skipped", path.Join(under, id))
			continue
		}
		f.add(p, f.text(c, "title"), f.text(c, "description"))
	}
}

// add reads the scenario in dir, once, under the title its list gives it.
func (f *finder) add(dir, title, description string) {
	if f.taken[dir] {
		return
	}
	f.taken[dir] = true
	r := newReader(f.fsys, dir)
	r.budget = f.budget
	s, err := r.all()
	if err != nil {
		var known *Error
		if !errors.As(err, &known) {
			known = &Error{File: dir, Text: err.Error()}
		}
		f.repo.Rejected = append(f.repo.Rejected, Warning{known.File, known.Line, strings.TrimPrefix(known.Error(), place(known.File, known.Line, 0))})
		return
	}
	if title != "" {
		s.Title = title
	}
	if description != "" {
		s.Description = f.plainText(description)
	}
	f.repo.Scenarios = append(f.repo.Scenarios, s)
}

// document reads a list, or warns and returns nil.
func (f *finder) document(file string) *node {
	b, err := f.read(file, maxText, anyLink)
	if err != nil {
		f.warn(file, 0, "%s", why(err))
		return nil
	}
	n, err := f.parseJSON(file, b)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			f.warn(e.File, e.Line, "%s; the list is ignored", e.Text)
		}
		return nil
	}
	return n
}

func (f *finder) exists(p string) bool {
	real, err := resolve(f.fsys, p)
	if err != nil {
		return false
	}
	_, err = fs.Stat(f.fsys, real)
	return err == nil
}

func (f *finder) isDir(p string) bool {
	info, err := fs.Stat(f.fsys, p)
	return err == nil && info.IsDir()
}

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([.-][a-z0-9.-]+)?$`)

// licence is the name of the licence file at the root, or "".
func licence(fsys fs.FS) string {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if !e.IsDir() && licenceName.MatchString(e.Name()) {
			return e.Name()
		}
	}
	return ""
}

// natural orders names as people number them: step2 before step10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb), cmp.Compare(da, db)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
