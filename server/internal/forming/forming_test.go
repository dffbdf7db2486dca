package forming_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/forming"
)

// program is one that does nothing but Serve. It is no test binary: those that look
// for races take more memory than it may.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "forming")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "formtest")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "./formtest").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// form has one expression applied to JSON.
func form(t *testing.T, f *forming.Forms, kind, expr, in string, out io.Writer) error {
	t.Helper()
	w, err := f.Start(t.Context(), "ada", kind, expr, out)
	if err != nil {
		return err
	}
	_, _ = io.WriteString(w, in) // fails where it has ended
	return w.Close()
}

func TestFormsAreWritten(t *testing.T) {
	t.Parallel()
	f := forming.New(program, "formtest")
	for _, c := range []struct{ kind, expr, in, want, wrong string }{
		{"jq", ".[].id", `[{"id":"a"},{"id":"b"}]`, "a\nb\n", ""},
		{"jq", ".n", "{\"n\":1}\n{\"n\":2}", "1\n2\n", ""},
		{"jq", "$ENV, env", "1", "{}\n{}\n", ""},
		{"template", "{{.n}}\n", `{"n":7}`, "7\n", ""},
		{"jq", ".[", "1", "", "The --jq expression is not right"},
		{"jq", ".[]", "1", "", "The --jq expression failed"},
		{"template", "{{", "1", "", "The --template is not right"},
		{"jq", strings.Repeat(" ", 20<<10), "1", "", "--jq takes at most 16384 bytes"},
	} {
		var out bytes.Buffer
		err := form(t, f, c.kind, c.expr, c.in, &out)
		if out.String() != c.want || (err == nil) != (c.wrong == "") || err != nil && (hub.CodeOf(err) != hub.Invalid || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s %.40s: %q, %v", c.kind, c.expr, out.String(), err)
		}
	}
}

// A guest's expression took all memory of the server, or one of its processors for
// good.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	f := forming.New(program, "formtest")
	for _, c := range [][2]string{
		{"jq", "[range(1e12)]"},
		{"jq", "def f: f; f"},
		{"jq", "range(1e12)"},
		{"jq", `reduce range(1e9) as $i ("x"; . + .)`},
		{"template", "{{define `f`}}{{range .}}{{template `f` $}}{{end}}{{end}}{{template `f` .}}"},
	} {
		err := form(t, f, c[0], c[1], "[1,2,3]", io.Discard)
		if hub.CodeOf(err) != hub.Invalid || !strings.Contains(fmt.Sprint(err), "more time or memory") && !strings.Contains(fmt.Sprint(err), "failed") {
			t.Errorf("%s: %v", c[1], err)
		}
	}
}

// One account takes few of the places, and gives them back.
func TestExpressionsAreCounted(t *testing.T) {
	t.Parallel()
	f := forming.New(program, "formtest")
	var held []io.Closer
	start := func(who string) error {
		w, err := f.Start(t.Context(), who, "jq", ".", io.Discard)
		if err == nil {
			held = append(held, w)
		}
		return err
	}
	for range 4 {
		if err := start("ada"); err != nil {
			t.Fatal(err)
		}
	}
	if err := start("ada"); hub.CodeOf(err) != hub.Limit {
		t.Errorf("a fifth one: %v", err)
	}
	if err := start("bob"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := held[0].Close(); err != nil {
		t.Error(err)
	}
	if err := start("ada"); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	for i := range 60 {
		if err := start(fmt.Sprint(i)); hub.CodeOf(err) == hub.Limit {
			break
		} else if i == 59 {
			t.Error("there is room for any number")
		}
	}
	for _, w := range held[1:] {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
