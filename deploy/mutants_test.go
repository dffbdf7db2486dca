package deploy_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A mutant is an entry of local/mutants.txt, done to the tree as it is.
type mutant struct {
	check     string // its row in docs/security.md
	title     string
	test, pkg string
	files     map[string]string // by name, as they become
}

// What `make test-mutants` breaks changes, and an entry that no longer says what
// the tree says breaks nothing. So each is done here, without building it: its
// lines stand where it says and once, what becomes of them is Go still, and the
// test that is to notice is there. And no promise goes without one.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	rows := securityRows(t)
	without := maps.Clone(rows)
	titles := map[string]bool{}
	for _, m := range mutants(t) {
		if titles[m.title] {
			t.Errorf("%s: there are two of that title", m.title)
		}
		titles[m.title] = true
		if _, ok := rows[m.check]; !ok {
			t.Errorf("%s: docs/security.md has no row %s", m.title, m.check)
		}
		delete(without, m.check)
		if len(m.files) == 0 {
			t.Errorf("%s: it changes nothing", m.title)
		}
		for name, text := range m.files {
			if filepath.Ext(name) != ".go" {
				continue
			}
			if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", m.title, err)
			}
		}
		if !tested(t, m.pkg, m.test) {
			t.Errorf("%s: there is no %s in %s", m.title, m.test, m.pkg)
		}
	}
	for _, check := range slices.Sorted(maps.Keys(without)) {
		if tests := without[check]; tests != "–" { // nothing is promised there that could be broken
			t.Errorf("no mutant breaks check %s, for %s to notice", check, tests)
		}
	}
}

// mutants reads the list as local/mutants.sh does.
func mutants(t *testing.T) (all []mutant) {
	t.Helper()
	list, err := os.ReadFile("local/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	var (
		m          *mutant
		file       string
		old, fresh strings.Builder
	)
	change := func() {
		if old.Len() == 0 {
			return
		}
		text, ok := m.files[file]
		if !ok {
			b, err := os.ReadFile(filepath.Join("..", file))
			if err != nil {
				t.Errorf("%s: %v", m.title, err)
			}
			text = string(b)
		}
		if n := strings.Count("\n"+text, "\n"+old.String()); n != 1 || old.String() == fresh.String() {
			t.Errorf("%s: %s has these lines %d times, and they become\n%s:\n%s", m.title, file, n, &fresh, &old)
		}
		m.files[file] = strings.Replace(text, old.String(), fresh.String(), 1)
		old.Reset()
		fresh.Reset()
	}
	line := 0
	for text := range strings.Lines(string(list)) {
		line++
		text = strings.TrimSuffix(text, "\n")
		word, rest, _ := strings.Cut(text, " ")
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case word == "==":
			check, _, _ := strings.Cut(rest, ":")
			m = &mutant{check: check, title: rest, files: map[string]string{}}
		case m == nil:
			t.Fatalf("line %d belongs to nothing: %s", line, text)
		case word == "in":
			change()
			file = rest
		case word == "test":
			change()
			m.test, m.pkg, _ = strings.Cut(rest, " ")
			all, m = append(all, *m), nil
		case text[0] == '-':
			if fresh.Len() > 0 {
				change()
			}
			fmt.Fprintln(&old, strings.TrimPrefix(text[1:], " "))
		case text[0] == '+':
			fmt.Fprintln(&fresh, strings.TrimPrefix(text[1:], " "))
		default:
			t.Fatalf("line %d is nothing: %s", line, text)
		}
	}
	if m != nil {
		t.Errorf("%s: it names no test", m.title)
	}
	return all
}

// tested reports whether a package has a test of that name.
func tested(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}

var securityRow = regexp.MustCompile(`(?m)^\| (\d[0-9b, –]*) [^|]*\|[^|]*\| (.*) \|$`)

// securityRows are the tests of each promise in docs/security.md, by its number.
func securityRows(t *testing.T) map[string]string {
	t.Helper()
	doc, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range securityRow.FindAllStringSubmatch(string(doc), -1) {
		for part := range strings.SplitSeq(m[1], ", ") {
			first, last, span := strings.Cut(part, "–")
			if !span {
				rows[part] = m[2]
				continue
			}
			from, err := strconv.Atoi(first)
			if err != nil {
				t.Fatal(err)
			}
			to, err := strconv.Atoi(last)
			if err != nil {
				t.Fatal(err)
			}
			for n := from; n <= to; n++ {
				rows[strconv.Itoa(n)] = m[2]
			}
		}
	}
	if len(rows) < 50 {
		t.Fatalf("only %d promises were found", len(rows))
	}
	return rows
}
