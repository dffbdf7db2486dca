package format_test

import (
	"encoding/json"
	"strings"
	"testing"
	"text/template"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli/format"
)

const data = `{"list":[{"id":"a","n":1,"ok":true},{"id":"b","n":2.5,"ok":false,"tags":["x","y"]}],"empty":[],"none":null,"name":"N & <m>","map":{"z":1,"a":{"b":"deep"}}}`

var join = template.FuncMap{
	"join": func(sep string, list []any) string {
		words := make([]string, len(list))
		for i, w := range list {
			words[i] = w.(string)
		}
		return strings.Join(words, sep)
	},
	"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
}

// The standard library's evaluator is the measure.
func TestSameAsTextTemplate(t *testing.T) {
	t.Parallel()
	var v any
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`plain`, `{{.}}`, `{{.name}}`, `{{.nope}} {{.nope.deeper}}`, `{{.map.a.b}} {{(index .list 1).id}}`,
		`{{range .list}}{{.id}}={{.n}};{{end}}`, `{{range $i, $e := .list}}{{$i}}{{$e.id}}{{end}}`, `{{range $e := .list}}{{$e.id}}{{$.name}}{{end}}`,
		`{{range .empty}}x{{else}}none{{end}}`, `{{range .none}}x{{else}}none{{end}}`, `{{range $k, $v := .map}}{{$k}} {{end}}`, `{{range 3}}{{.}}{{end}}`,
		`{{range .list}}{{if eq .id "b"}}{{break}}{{end}}{{.id}}{{end}}`, `{{range .list}}{{if .ok}}{{continue}}{{end}}{{.id}}{{end}}`,
		`{{if .list}}yes{{else}}no{{end}}{{if .empty}}yes{{else if .name}}name{{else}}no{{end}}`, `{{with .map.a}}{{.b}}{{end}}{{with .none}}x{{else}}y{{end}}`,
		`{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}`, `{{$x := "a"}}{{range .list}}{{$x = .id}}{{end}}{{$x}}`, `{{$x := 1}}{{with 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}`,
		`{{len .list}} {{len .name}} {{.name | len}}`, `{{index .map "a" "b"}} {{index .list 0}}`, `{{slice .name 0 1}} {{slice .list 1}}`,
		`{{printf "%s-%v" .name 3}} {{print 1 2 "x"}} {{println .name}}`, `{{.name | html}} {{.name | urlquery}}`,
		`{{eq .name "x"}} {{eq .name "x" "N & <m>"}} {{ne 1 2}} {{lt 1 2}} {{ge "b" "a"}}`, `{{and 1 0 2}} {{or 0 "" 5}} {{not .ok}} {{and true .nope}}`,
		`{{define "T"}}<{{.}}>{{end}}{{template "T" .name}}{{template "T"}}`, `{{- /* nothing */ -}} x  {{- .name -}}  y`,
		`{{range .list}}{{if .tags}}{{join "," .tags}}{{end}}{{end}} {{json .map}}`, `{{"quoted\n"}} {{'x'}} {{1.5}} {{true}}`, `{{(.map).z}}`, `{{block "B" .name}}[{{.}}]{{end}}`,
		// What is wrong is wrong for both.
		`{{.name.x}}`, `{{index .list 7}}`, `{{len 3}}`, `{{.name 1}}`, `{{template "none"}}`, `{{range .name}}{{end}}`, `{{lt "a" 1}}`, `{{not}}`, `{{define "R"}}{{template "R"}}{{end}}{{template "R"}}`,
		`{{`, `{{nope .}}`, `{{$y}}`, `{{if}}{{end}}`, `{{break}}`,
	} {
		var want, got strings.Builder
		theirs, err := template.New("t").Funcs(join).Parse(text)
		if err == nil {
			err = theirs.Execute(&want, v)
		}
		ours, mine := format.Parse("t", text)
		if mine == nil {
			mine = ours.Execute(&got, v)
		}
		if (err != nil) != (mine != nil) {
			t.Errorf("%s: %v; text/template says %v", text, mine, err)
		}
		if err == nil && got.String() != want.String() {
			t.Errorf("%s: %q; text/template writes %q", text, got.String(), want.String())
		}
	}
}

func FuzzExecute(f *testing.F) {
	for _, text := range []string{`{{range .list}}{{.id}}{{end}}`, `{{index .list 1 "n"}}`, `{{printf "%d" 1}}`, `{{slice .name 1 2}}`} {
		f.Add(text)
	}
	var v any
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "range") && strings.ContainsAny(text, "0123456789") || strings.Contains(text, "%") {
			return // it may be asked to count for years
		}
		if tmpl, err := format.Parse("t", text); err == nil {
			_ = tmpl.Execute(&strings.Builder{}, v)
		}
	})
}
