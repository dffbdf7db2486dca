package filter_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/cmd/format/filter"
)

func TestRun(t *testing.T) {
	t.Parallel()
	const courses = `[{"id":"linux","tags":["a","b"],"title":"Li\u001b[31mnux"},{"id":"go","tags":[],"title":"G\u202eo"}]`
	for _, c := range []struct {
		kind           filter.Kind
		expr, in, want string
	}{
		{filter.JQ, ".[].id", courses, "linux\ngo\n"},
		{filter.JQ, ".[0].tags", courses, `["a","b"]` + "\n"},
		{filter.JQ, ".[].title", courses, "Linux\nGo\n"},
		{filter.JQ, ".[1]|{title}", courses, `{"title":"G\u202eo"}` + "\n"},
		{filter.JQ, ".n", `{"n":1}` + "\n" + `{"n":2}`, "1\n2\n"},
		{filter.JQ, ".n", "", ""},
		{filter.JQ, ".n", `{"n":9007199254740993}`, "9007199254740993\n"},
		{filter.JQ, ".n+1 > 2", `{"n":2}`, "true\n"},
		{filter.Template, "{{.n}}", `{"n":1234567}`, "1234567\n"},
		{filter.Template, `{{range .}}{{.id}}: {{join "+" .tags}};{{end}}`, courses, "linux: a+b;go: ;\n"},
		{filter.Template, `{{json (index . 0).tags}}`, courses, `["a","b"]` + "\n"},
		{filter.Template, `{{(index . 0).title}}`, courses, "Linux\n"},
	} {
		var out bytes.Buffer
		if err := filter.Run(c.kind, c.expr, strings.NewReader(c.in), &out); err != nil || out.String() != c.want {
			t.Errorf("%s %s: %q, %v; want %q", c.kind, c.expr, out.String(), err, c.want)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind           filter.Kind
		expr, in, want string
	}{
		{filter.JQ, ".[", `{}`, "expression is not right"},
		{filter.JQ, "nosuch", `{}`, "expression is not right"},
		{filter.JQ, ".[]", `1`, "expression failed"},
		{filter.JQ, ".", `{`, "unexpected EOF"},
		{filter.Template, "{{", `{}`, "template is not right"},
		{filter.Template, "{{index . 3}}", `[]`, "template failed"},
		{"awk", ".", `{}`, "no expression"},
	} {
		var out bytes.Buffer
		if err := filter.Run(c.kind, c.expr, strings.NewReader(c.in), &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.kind, c.expr, err, c.want)
		}
	}
}
