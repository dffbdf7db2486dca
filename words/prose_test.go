package words

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// prose is a text in English: two words, or one that begins a sentence.
var prose = regexp.MustCompile(`[A-Za-z]{2,},? [a-z]{2,}|^[A-Z][a-z]{2,}\b`)

// typed are commands, headers and their values, and styles: no text at all.
var typed = regexp.MustCompile(`^\s*(cmh|cmh-server|lab) [a-z-]+|^[a-z]+/[a-z+-]+(, [a-z]+/[a-z+-]+)*$|^[A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)+(: )?$|^(public|private), |^\nif ! |\{[a-z-]+:`)

// names are the same in every language, or nobody reads them.
var names = []string{
	"Authorization", "Bearer", "Etag", "Vary", "Post", ": still here\n\n",
	"unknown command", "required flag", "if any flags", "at least one of", // looked for
	"Ctrl-", "pgup pgdn", "ssh, scp", // keys, programs
	"solve script", "No lab", // for programs
	"exec ssh ", "ps -eo tty=,stat=,wchan:32=,comm=",
	"the answer is too long", "account or key changed", // causes
	"guest at ", "begin device", "user code", "labs in flight", "courses of ", "successor of ",
	"%d hands-on scenarios. Licence: %s.", // what a course says of itself
	// In a recording, whoever plays it.
	"\x1b[m\r\n[The recording ends here: ", "it is as long as one may be", "more was printed than could be stored", "your recordings take all of their 64 MiB",
	"CloudMastersHub", "Azure", "Google Cloud", "English", "Deutsch",
	"Docker", "Kubernetes", "OpenShift", "Jupyter", "Node.js", "Java", "Kotlin", "Rust", "Ruby", "Ansible", "Terraform",
}

// inEnglish says whether a literal looks like something that people read.
func inEnglish(text string) bool {
	return prose.MatchString(verb.ReplaceAllString(text, "")) && !typed.MatchString(text) && !slices.Contains(names, text)
}

// exempt are the files whose texts are for programs, or for the log, which is in
// English wherever it is read: those who search in it are many, and programs.
var exempt = map[string]string{
	"cmd/cmh/cert/draw.go":            "a certificate is shown to others",
	"cmd/cmh/cli/man.go":              "the format of man pages",
	"cmd/cmh/lab/report.go":           "the formats of CI systems",
	"cmd/author/prove/junit.go":       "the format of CI systems",
	"cmd/cmh/sshconfig/":              "the settings of ssh",
	"cmd/cmh/about/man.go":            "the format of man pages",
	"tui/screen/me/draw.go":           "days are keys there",
	"client/raw.go":                   "names of headers",
	"tui/split/port.go":               "what sandboxes print",
	"server/internal/access/":         "names of operations",
	"server/internal/jobs/":           "the log",
	"server/internal/postgres/":       "SQL",
	"server/internal/graph/gen":       "generated",
	"server/internal/oidc/":           "the log",
	"server/internal/hashing/":        "the log",
	"server/internal/httpapi/cors.go": "names of headers",
	"server/metrics.go":               "programs read it",
	"labs/gateway/opens.go":           "names of doors",
	"server/abilities.go":             "the log",
	"server/internal/httpapi/docs.go": "the page about the API is in English, as the API",
}

// spoken says whether all that people read in file must be in the catalogues.
func spoken(file string) bool {
	for e := range exempt {
		if strings.HasPrefix(file, e) {
			return false
		}
	}
	for _, dir := range []string{"tui/", "cmd/cmh/", "client/", "server/", "cmd/server/", "cmd/author/", "courses/", "labs/proof/", "labs/gateway/", "labs/desk.go", "labs/check.go", "labs/verdict.go"} {
		if strings.HasPrefix(file, dir) {
			return true
		}
	}
	return false
}

// quiet are functions whose texts nobody is shown: causes for the log, names of
// headers, what is looked for in other texts.
var quiet = regexp.MustCompile(`^(fmt\.Errorf|errors\.New|panic|regexp\.MustCompile|.*\.(\w+Context|Info|Warn|Error|Debug|Reject|Get|Set|Add|SetHeader|GetHeader|Header|once|every)|slices\.(Contains|Index)|strings\.(\w*Prefix|\w*Suffix|Contains|Replace|ReplaceAll|NewReplacer|Cut))$`)

// operated says whether the errors of file are what an operator reads: they are the
// hub's, which can be said in any language.
func operated(file string) bool {
	return strings.HasPrefix(file, "cmd/server/") || strings.HasPrefix(file, "server/") && strings.Count(file, "/") == 1
}

// plain makes an error that is in English for good.
var plain = regexp.MustCompile(`^(fmt\.Errorf|errors\.New)$`)

// settled are fields of literals that hold what is typed, not said.
var settled = map[string]bool{"Use": true, "Example": true, "Command": true}

// look finds texts that people may be shown and that no catalogue has: each literal
// in English that was not taken as a text.
func (s *source) look(file string, f *ast.File) {
	var above []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		l, ok := n.(*ast.BasicLit)
		if text, is := s.text("", exprOf(n)); ok && is && !s.held[l] && s.byID[text] == nil && (inEnglish(text) && !hushed(above, l, operated(file)) || lettered.MatchString(verb.ReplaceAllString(text, "")) && inCell(above)) {
			s.loose = append(s.loose, file+": "+text)
		}
		if layout, at := timed(n); at && !far(file) {
			s.loose = append(s.loose, file+": a time as "+layout)
		}
		above = append(above, n)
		return true
	})
}

// lettered is a text that isn't the same in every language.
var lettered = regexp.MustCompile(`[a-z]{2,}`)

// inCell says whether something is what a table shows.
func inCell(above []ast.Node) bool {
	for i := len(above) - 1; i >= 0; i-- {
		switch n := above[i].(type) {
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Cell" {
				return true
			}
		case *ast.CallExpr:
			if quiet.MatchString(called(n)) {
				return false
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				return false
			}
		}
	}
	return false
}

// timed finds a time that is written in one order for everybody.
func timed(n ast.Node) (layout string, ok bool) {
	c, is := n.(*ast.CallExpr)
	if !is || len(c.Args) != 1 {
		return "", false
	}
	f, is := c.Fun.(*ast.SelectorExpr)
	if !is || f.Sel.Name != "Format" {
		return "", false
	}
	layout = types.ExprString(c.Args[0])
	return layout, strings.Contains(layout, "04") || strings.Contains(layout, "2006") || strings.HasPrefix(layout, "time.Date")
}

func exprOf(n ast.Node) ast.Expr {
	x, _ := n.(ast.Expr)
	return x
}

// hushed says whether what l stands in keeps it from people.
func hushed(above []ast.Node, l ast.Node, operated bool) bool {
	within := l
	for i := len(above) - 1; i >= 0; i-- {
		switch n := above[i].(type) {
		case *ast.ImportSpec:
			return true
		case *ast.Field: // its tag
			if within == l {
				return true
			}
		case *ast.CaseClause:
			if x, ok := within.(ast.Expr); ok && n.List != nil {
				for _, c := range n.List {
					if c == x {
						return true
					}
				}
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				return true
			}
		case *ast.IndexExpr:
			if n.Index == within {
				return true
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); n.Key == within || ok && settled[k.Name] {
				return true
			}
		case *ast.CallExpr:
			if name := called(n); quiet.MatchString(name) && (!operated || !plain.MatchString(name)) {
				return true
			}
		case *ast.AssignStmt:
			if to, ok := n.Lhs[0].(*ast.SelectorExpr); ok && settled[to.Sel.Name] {
				return true
			}
		case *ast.FuncLit:
			return false
		case *ast.FuncDecl:
			return n.Name.Name == "Error" // of a cause
		}
		within = above[i]
	}
	return false
}

// called is the name of the function of a call.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
		return "." + f.Sel.Name
	}
	return ""
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
