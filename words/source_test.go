package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unread are folders below it whose texts are for others: tests, the log. Mail is
// templates, a file for each language.
var unread = []string{
	"screentest", "mail", "metrics", "tracing", "pgtest", "apitest", "mailtest",
	"drivertest", "heirtest", "labstest", "porttest", "boot", "egress", "pool", "stage0", "tiny",
}

// scanned is where texts for people stand in the code.
var scanned = []string{"words", "client", "cmd/cmh", "cmd/format", "tui", "cmd/author", "cmd/server", "courses", "labs", "server"}

// inside says whether what stands in file is said by the agent.
func inside(file string) bool { return strings.HasPrefix(file, "labs/agent/") }

// far says whether what stands in file is said without cmh: by the hub, its labs and
// the tools of authors.
func far(file string) bool {
	for _, dir := range []string{"server/", "labs/", "courses/", "cmd/author/", "cmd/server/"} {
		if strings.HasPrefix(file, dir) {
			return !inside(file)
		}
	}
	return false
}

// found is a text in the code.
type found struct {
	id, plural string
	verbs      bool   // it is a format
	file       string // where it stands first
	kept       bool   // it is said by Told
	near       bool   // cmh says it
	far        bool   // the hub or a tool of authors says it
	inside     bool   // the agent says it
}

// takes says which argument of a function is a text, by the function's name. A
// method counts whatever it is called on; a name with a dot is a function of that
// package, or one that only that package has.
var takes = map[string]struct {
	arg   int
	verbs bool
}{
	"T": {0, false}, "Tf": {0, true}, "words.Mark": {0, false}, "Mark": {0, false}, "When": {1, false}, "words.Kept": {0, true}, "words.Heard": {0, true},
	"hub.Errorf": {1, true}, "hub.Wrap": {2, true}, "hub.New": {1, true}, "hub.Field": {1, true}, "hub.Phrasef": {0, true}, "hub.Word": {0, false},
	"classify": {0, false}, "app.check": {2, true}, "app.wrongAt": {1, false}, "app.wrongField": {1, true}, "app.add": {1, true},
	"httpapi.wrong": {1, true}, "httpapi.expect": {1, false}, "httpapi.refuse": {0, true}, "httpapi.tooManyUploads": {0, false},
	"Say": {0, true}, "Fprintf": {1, true}, "Fprintln": {1, false},
	"Ask": {1, false}, "AskSecret": {1, false}, "Confirm": {1, false},
	"main.set": {1, false}, "courses.wrong": {3, true}, "scenario.warn": {2, true}, "scenario.note": {1, true}, "courses.problem": {0, true}, "server.good": {1, true},
	"guide.say": {0, true}, "guide.ask": {1, false}, "course.p": {0, true}, "auth.orAsk": {3, false},
	"split.say": {0, false}, "split.question": {0, false}, "split.confirm": {0, false}, "split.work": {0, false},
	"split.section": {0, false}, "split.told": {1, false}, "split.moved": {2, false},
	"theme.Bind": {1, false}, "Bind": {1, false}, "cli.Group": {1, false}, "Group": {1, false},
}

// described says which arguments of a function of ours become a command's Short
// and Long.
var described = map[string]struct{ short, long int }{
	"lab.act": {2, 3}, "lab.onOff": {2, 3}, "author.publishCmd": {2, 0}, "main.Beside": {2, 0}, "author.Beside": {2, 0},
}

// fields are the fields of literals that hold a text.
var fields = map[string]bool{"Short": true, "Title": true, "Detail": true, "Hint": true, "Prompt": true, "Message": true}

// flagged is a method of pflag whose last argument is a text.
var flagged = regexp.MustCompile(`^(String|StringSlice|StringArray|Bool|Int|Int64|Uint|Duration|Float64|Count|)(Var)?P?$`)

// source is the texts of the code, and what is wrong with how it writes them.
type source struct {
	texts  []*found
	byID   map[string]*found
	wrong  []string
	loose  []string // literals that look like a text and are none
	built  []string // texts that are put together before they are looked up
	consts map[string]ast.Expr
	held   map[ast.Expr]bool // literals that were taken as texts
}

// read walks the code below root.
func read(t *testing.T, root string) *source {
	t.Helper()
	s := &source{byID: map[string]*found{}, consts: map[string]ast.Expr{}, held: map[ast.Expr]bool{}}
	fset := token.NewFileSet()
	type unit struct {
		name string
		file *ast.File
	}
	var units []unit
	for _, dir := range scanned {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && (d.Name() == "testdata" || slices.Contains(unread, d.Name())) {
				return cmpErr(err, filepath.SkipDir)
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			units = append(units, unit{filepath.ToSlash(name), f})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range units {
		s.constants(u.file)
	}
	for _, u := range units {
		ast.Inspect(u.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec: // what is called so is a line for people
				for i, name := range n.Names {
					if strings.HasPrefix(name.Name, "say") && i < len(n.Values) {
						s.take(u.name, u.file.Name.Name, n.Values[i], nil, false)
					}
				}
			case *ast.CallExpr:
				s.call(u.name, u.file.Name.Name, n)
			case *ast.AssignStmt:
				if l, ok := n.Lhs[0].(*ast.SelectorExpr); ok && l.Sel.Name == "Long" {
					s.paragraphs(u.name, u.file.Name.Name, n.Rhs[0])
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Long" {
					s.paragraphs(u.name, u.file.Name.Name, n.Value)
				} else if ok && fields[k.Name] && (k.Name != "Title" || !strings.HasPrefix(u.name, "server/internal/")) { // what people named
					s.take(u.name, u.file.Name.Name, n.Value, nil, false)
				}
			}
			return true
		})
	}
	for _, u := range units {
		if spoken(u.name) {
			s.look(u.name, u.file)
		}
	}
	return s
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// constants remembers what constants stand for.
func (s *source) constants(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i < len(v.Values) {
					s.consts[f.Name.Name+"."+name.Name] = v.Values[i]
				}
			}
		}
	}
}

// call looks for texts among the arguments of a call.
func (s *source) call(file, pkg string, c *ast.CallExpr) {
	name, qualified := "", ""
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok {
			qualified = x.Name + "." + name
		}
	default:
		return
	}
	if qualified == "fmt.Fprintf" || qualified == "fmt.Fprintln" || strings.HasPrefix(qualified, "flag.") {
		return // for machines, and for who starts them
	}
	if name == "N" && len(c.Args) >= 3 {
		s.whole(file, pkg, c.Args[1])
		s.whole(file, pkg, c.Args[2])
		s.take(file, pkg, c.Args[1], c.Args[2], true)
		return
	}
	if flagged.MatchString(name) && len(c.Args) >= 3 && strings.Contains(qualified+".", ".") {
		if _, ok := s.text(pkg, c.Args[len(c.Args)-1]); ok {
			s.take(file, pkg, c.Args[len(c.Args)-1], nil, false)
		}
		return
	}
	if of, ok := described[pkg+"."+name]; ok && len(c.Args) > of.short {
		s.take(file, pkg, c.Args[of.short], nil, false)
		if of.long > 0 {
			s.paragraphs(file, pkg, c.Args[of.long])
		}
		return
	}
	of, ok := takes[qualified]
	if !ok {
		if of, ok = takes[name]; !ok {
			of, ok = takes[pkg+"."+name]
		}
	}
	if !ok || len(c.Args) <= of.arg {
		return
	}
	if name == "T" || name == "Tf" || name == "When" || qualified == "words.Kept" || strings.HasPrefix(qualified, "hub.") {
		s.whole(file, pkg, c.Args[of.arg])
	}
	s.take(file, pkg, c.Args[of.arg], nil, of.verbs)
	if warns := pkg+"."+name == "scenario.warn" || pkg+"."+name == "scenario.note"; warns || qualified == "words.Kept" || qualified == "words.Heard" {
		if id, _ := s.text(pkg, c.Args[of.arg]); warns && s.byID[id] == nil {
			return // what comes as it is
		}
		s.keep(file, pkg, c.Args[of.arg], !ofFar(file))
	}
}

// ofFar says whether what is told stays with those who tell it: answers of GraphQL,
// and what the hub and the tools of authors are told of the machine that they are on.
func ofFar(file string) bool {
	for _, dir := range []string{"server/internal/graph/", "server/internal/privatepg/", "labs/driver/", "labs/image/", "labs/proof/", "cmd/author/"} {
		if strings.HasPrefix(file, dir) {
			return true
		}
	}
	return false
}

// keep notes that Told says a text. What the hub keeps, cmh has to know.
func (s *source) keep(file, pkg string, x ast.Expr, keeps bool) {
	id, ok := s.text(pkg, x)
	f := s.byID[id]
	if !ok || f == nil {
		s.wrong = append(s.wrong, file+": Kept takes a constant")
		return
	}
	f.kept = true
	f.near = f.near || keeps
	for _, m := range verb.FindAllString(id, -1) {
		if !slices.Contains([]string{"%s", "%d", "%q", "%%"}, m) {
			s.wrong = append(s.wrong, file+": Kept doesn't find what "+m+" has made")
		}
	}
}

// whole notes a text that is put together: out of a constant and something else,
// or by a function of package fmt or strings. A name stands for a text that is
// marked, or taken for what it is, elsewhere.
func (s *source) whole(file, pkg string, x ast.Expr) {
	if _, ok := s.text(pkg, x); ok {
		return
	}
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.ADD && types.ExprString(x) == types.ExprString(n) {
				s.built = append(s.built, file+": "+types.ExprString(x))
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok {
				if of, ok := f.X.(*ast.Ident); ok && (of.Name == "fmt" || of.Name == "strings") {
					s.built = append(s.built, file+": "+types.ExprString(x))
				}
			}
		}
		return true
	})
}

// paragraphs takes a long text as cli translates it: by line, or whole where lines
// are set in.
func (s *source) paragraphs(file, pkg string, x ast.Expr) {
	text, ok := s.text(pkg, x)
	if sum, is := x.(*ast.BinaryExpr); !ok && is { // with a line that the program knows
		s.paragraphs(file, pkg, sum.X)
		s.paragraphs(file, pkg, sum.Y)
	}
	if !ok {
		return
	}
	s.hold(x)
	parts := strings.Split(text, "\n")
	if strings.Contains(text, "\n ") {
		parts = []string{text}
	}
	for _, p := range parts {
		if p != "" {
			s.take(file, pkg, &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(p)}, nil, false)
		}
	}
}

// take takes an expression as a text when it is a constant one.
func (s *source) take(file, pkg string, x, plural ast.Expr, verbs bool) {
	id, ok := s.text(pkg, x)
	if !ok || strings.Trim(verb.ReplaceAllString(id, ""), " \n\t:.()%/,-[]") == "" {
		return
	}
	s.hold(x)
	f := &found{id: id, verbs: verbs, file: file, near: !far(file) && !inside(file), far: far(file), inside: inside(file)}
	if plural != nil {
		f.plural, _ = s.text(pkg, plural)
		s.hold(plural)
	}
	if before := s.byID[id]; before != nil {
		if before.plural == "" {
			before.plural = f.plural
		} else if f.plural != "" && f.plural != before.plural {
			s.wrong = append(s.wrong, file+": "+strconv.Quote(id)+" has two plurals")
		}
		before.verbs, before.near = before.verbs || f.verbs, before.near || f.near
		before.far, before.inside = before.far || f.far, before.inside || f.inside
		return
	}
	s.byID[id] = f
	s.texts = append(s.texts, f)
}

// hold notes the literals of a text.
func (s *source) hold(x ast.Expr) {
	ast.Inspect(x, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok {
			s.held[l] = true
		}
		return true
	})
}

// text is the value of a constant expression.
func (s *source) text(pkg string, x ast.Expr) (string, bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			v, err := strconv.Unquote(x.Value)
			return v, err == nil
		}
	case *ast.ParenExpr:
		return s.text(pkg, x.X)
	case *ast.BinaryExpr:
		a, ok := s.text(pkg, x.X)
		b, also := s.text(pkg, x.Y)
		return a + b, ok && also && x.Op == token.ADD
	case *ast.Ident:
		if c := s.consts[pkg+"."+x.Name]; c != nil {
			v, ok := s.text(pkg, c)
			if ok {
				s.hold(c)
			}
			return v, ok
		}
	case *ast.SelectorExpr:
		if p, ok := x.X.(*ast.Ident); ok {
			if c := s.consts[p.Name+"."+x.Sel.Name]; c != nil {
				v, ok := s.text(p.Name, c)
				if ok {
					s.hold(c)
				}
				return v, ok
			}
		}
	}
	return "", false
}

// verb is a verb of package fmt.
var verb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?(\*|\d+)?(\.(\*|\d+))?(\[\d+\])?([a-zA-Z%])`)

// verbs is which verb each argument of a format has.
func verbs(format string) map[int]string {
	out, n := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[6] == "%" {
			continue
		}
		n++
		for _, i := range []string{m[1], m[5]} {
			if i != "" {
				n, _ = strconv.Atoi(i[1 : len(i)-1])
			}
		}
		out[n] += m[6]
	}
	return out
}
