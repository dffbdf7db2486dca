package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/proof"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// find reads the labs of a folder, whatever kind of folder it is, and how to
// solve them.
func find(dir string, only []string, solutions string) ([]proof.Subject, []Problem, error) {
	if err := exists(dir); err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Invalid, "%s can't be read.", dir)
	}
	defer root.Close()
	found, problems, err := read(root.FS(), dir)
	if err != nil {
		return nil, nil, err
	}
	subjects := []proof.Subject{}
	for _, sc := range found {
		s := proof.Subject{Name: sc.Slug, Scenario: sc}
		if _, err := fs.Stat(root.FS(), path.Join(sc.Dir, "lab.yaml")); err == nil {
			s.Own = true
		}
		if s.Name == "" {
			if s.Name = sc.Dir; s.Name == "." {
				s.Name = base(dir)
			}
		}
		if len(only) == 0 || slices.Contains(only, s.Name) {
			subjects = append(subjects, s)
		}
	}
	for _, name := range only {
		if !slices.ContainsFunc(subjects, func(s proof.Subject) bool { return s.Name == name }) {
			return nil, nil, hub.Errorf(hub.NotFound, "There is no lab %s in %s.", name, dir)
		}
	}
	if solutions != "" {
		if err := solve(solutions, subjects); err != nil {
			return nil, nil, err
		}
	}
	return subjects, problems, nil
}

func read(fsys fs.FS, dir string) (found []*scenario.Scenario, problems []Problem, err error) {
	if _, err := fs.Stat(fsys, "course.yaml"); err == nil {
		c, err := courses.Read(fsys)
		if wrong, ok := errors.AsType[*courses.Error](err); ok {
			for _, p := range wrong.Problems {
				problems = append(problems, Problem{p.File, p.Line, p.Text.String(), p.Text})
			}
			return nil, problems, nil
		}
		if err != nil {
			return nil, nil, hub.Wrap(err, hub.Invalid, "The course in %s can't be read.", dir)
		}
		return c.Labs, nil, nil
	}
	repo, err := scenario.Find(fsys)
	if wrong, ok := errors.AsType[*scenario.Error](err); ok {
		return nil, []Problem{{wrong.File, wrong.Line, wrong.Text, hub.Word(wrong.Text)}}, nil
	}
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Invalid, "%s can't be read.", dir)
	}
	for _, w := range repo.Rejected {
		problems = append(problems, Problem{w.File, w.Line, w.Text, hub.Word(w.Text)})
	}
	return repo.Scenarios, problems, nil
}

// base is the name of a folder, whatever it was called by.
func base(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// solve looks for what to type in dir/LAB/stepN.sh.
func solve(dir string, subjects []proof.Subject) error {
	if err := exists(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "%s can't be read.", dir)
	}
	defer root.Close()
	for i := range subjects {
		files, err := fs.Glob(root.FS(), path.Join(quoted(subjects[i].Name), "step*.sh"))
		if err != nil {
			return fmt.Errorf("look for solutions: %w", err)
		}
		for _, file := range files {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "step"), ".sh"))
			if err != nil || n < 1 || n > len(subjects[i].Scenario.Steps) {
				return hub.Errorf(hub.Invalid, "%s is of no step that %s has.", file, subjects[i].Name)
			}
			b, err := fs.ReadFile(root.FS(), file)
			if err != nil {
				return hub.Wrap(err, hub.Invalid, "%s can't be read.", file)
			}
			if subjects[i].Solutions == nil {
				subjects[i].Solutions = map[int]string{}
			}
			subjects[i].Solutions[n] = string(b)
		}
	}
	return nil
}

// quoted keeps a name from being a pattern.
func quoted(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// beside is a program in the folder of this one.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	return filepath.Join(filepath.Dir(self), name)
}
