package words

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// draws are the functions that put a text before people as it is: by name, which
// argument it is.
var draws = map[string]int{
	"Render": 0, "fmt.Fprintf": 1, "fmt.Fprint": 1, "fmt.Fprintln": 1, "io.WriteString": 1, "WriteString": 0,
	"widget.Message": 1, "widget.Wrap": 0, "widget.Row": 2, "fmt.Sprintf": 0,
}

// prose is a text in English: two words, or one that begins a sentence.
var prose = regexp.MustCompile(`[A-Za-z]{2,},? [a-z]{2,}|^[A-Z][a-z]{2,}\b`)

// exempt are the files whose texts are for programs: SSH's settings, a
// certificate that is shown to others, the formats of CI systems, and what the
// drawing of Markdown writes around a course's own text.
var exempt = []string{
	"cmd/cmh/sshconfig/", "cmd/cmh/cert/draw.go", "cmd/cmh/lab/report.go", "cmd/cmh/lab/events.go", "cmd/cmh/cli/man", "cmd/cmh/about/man.go",
	"cmd/cmh/about/about.go", "cmd/cmh/cli/run.go", "tui/markdown/",
}

// spoken says whether all that people read in file must be in the catalogues.
func spoken(file string) bool {
	for _, e := range exempt {
		if strings.HasPrefix(file, e) {
			return false
		}
	}
	return strings.HasPrefix(file, "tui/") || strings.HasPrefix(file, "cmd/cmh/")
}

// look finds texts that people are shown and nobody translates.
func (s *source) look(file string, f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, short := "", ""
		switch fun := c.Fun.(type) {
		case *ast.Ident:
			short = fun.Name
		case *ast.SelectorExpr:
			short = fun.Sel.Name
			if x, ok := fun.X.(*ast.Ident); ok {
				name = x.Name + "." + short
			}
		}
		arg, ok := draws[name]
		if !ok {
			if arg, ok = draws[short]; !ok {
				return true
			}
		}
		if arg >= len(c.Args) {
			return true
		}
		x := c.Args[arg]
		for {
			sum, ok := x.(*ast.BinaryExpr)
			if !ok {
				break
			}
			x = sum.X
		}
		if text, ok := s.text(f.Name.Name, x); ok && prose.MatchString(verb.ReplaceAllString(text, "")) {
			s.loose = append(s.loose, file+": "+text)
		}
		return true
	})
}

// TestNothingIsSaidPastTheCatalogue finds texts that are shown as they stand in
// the code.
func TestNothingIsSaidPastTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, l := range read(t, "..").loose {
		t.Errorf("%q is shown without T, Tf or N", l)
	}
}

// TestTextsAreWhole finds texts that are put together before they are looked up:
// no catalogue has those.
func TestTextsAreWhole(t *testing.T) {
	t.Parallel()
	for _, b := range read(t, "..").built {
		t.Errorf("%q is put together: say it with verbs, or mark its parts where they stand", b)
	}
}
