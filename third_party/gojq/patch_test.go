package gojq_test

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	upstream "github.com/itchyny/gojq"

	"github.com/cloudmastershub/cmh/third_party/gojq"
)

// ours is what may differ from the module: theirs, and what we made of it.
var ours = map[string][2]string{
	"builtin.go":  {"\nfunc init() {\n", "\nfunc loadBuiltins() {\n"},
	"func.go":     {"\nfunc init() {\n", "\nfunc loadFunctions() {\n"},
	"compiler.go": {"\tc := &compiler{}\n", "\tload()\n\tc := &compiler{}\n"},
}

func TestNothingElseIsChanged(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/itchyny/gojq").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, filepath.Join(dir, "LICENSE")) {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || name == "debug.go" {
			continue
		}
		theirs, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want := string(theirs)
		if change, ok := ours[name]; ok {
			if strings.Count(want, change[0]) != 1 {
				t.Errorf("%s of upstream does not have one %q", name, change[0])
			}
			want = strings.Replace(want, change[0], change[1], 1)
		}
		if formatted, err := format.Source([]byte(want)); err == nil { // builtin.go isn't, and LICENSE is no program
			want = string(formatted)
		}
		if string(copied) != want {
			t.Errorf("%s is not upstream's, and the patch", name)
		}
	}
}

// Both know the same functions, and answer alike.
func TestAnswersAlike(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"builtins | sort | map(tostring) | add", `[1,[2]] | flatten | map(. + 1) | @csv`, `{"a":1} | to_entries[0].key`, `try error("x") catch .`} {
		q, err := gojq.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		u, err := upstream.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := q.Run(nil).Next()
		want, _ := u.Run(nil).Next()
		if got != want {
			t.Errorf("%s: %v, upstream says %v", query, got, want)
		}
	}
}
