package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func TestFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields string // -f as a=b, -F as +a=b
		want   string // "" is a refusal
	}{
		{"a=1 +b=1 +c=-1.50 +d=1e3", `{"a":"1","b":1,"c":-1.50,"d":1e3}`},
		{"+a=true +b=false +c=null +d=nullx +e=01 +f=", `{"a":true,"b":false,"c":null,"d":"nullx","e":"01","f":""}`},
		{"+a=12345678901234567890123 a2=x=y", `{"a":12345678901234567890123,"a2":"x=y"}`},
		{"+a=@- b=@-", `{"a":"from stdin","b":"@-"}`},
		{"a[]=1 a[]=2 +a[]=3", `{"a":["1","2",3]}`},
		{"a[b][c]=1 a[b][d]=2 a[e]=3", `{"a":{"b":{"c":"1","d":"2"},"e":"3"}}`},
		{"a[][x]=1 a[][y]=2 a[][x]=3", `{"a":[{"x":"1","y":"2"},{"x":"3"}]}`},
		{"answers[q1][]=a answers[q1][]=c answers[q2][]=b", `{"answers":{"q1":["a","c"],"q2":["b"]}}`},
		{"a", ""},
		{"=1", ""},
		{"[]=1", ""},
		{"a[=1", ""},
		{"a[b]c=1", ""},
		{"a]=1", `{"a]":"1"}`},
		{"a=1 a=2", ""},
		{"a=1 a[]=2", ""},
		{"a=1 a[b]=2", ""},
		{"a[]=1 a=2", ""},
		{"a[]=1 a[b]=2", ""},
		{"a[b]=1 a[]=2", ""},
		{"a[b]=1 a[b]=2", ""},
		{"a[][]=1", ""},
		{"a" + strings.Repeat("[a]", 20) + "=1", ""},
	} {
		var fields []field
		for f := range strings.FieldsSeq(tt.fields) {
			given, typed := strings.CutPrefix(f, "+")
			fields = append(fields, field{given, typed})
		}
		var got []byte
		all, err := resolved(&cli.Env{In: strings.NewReader("from stdin")}, fields)
		if err == nil {
			var body map[string]any
			if body, err = object(all); err == nil {
				got, _ = json.Marshal(body)
			}
		}
		if string(got) != tt.want || (tt.want == "") != (hub.CodeOf(err) == hub.Invalid) {
			t.Errorf("%s: %s, %v; want %s", tt.fields, got, err, tt.want)
		}
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"courses": "/v1/courses", "v1/courses?x=1": "/v1/courses?x=1", "/v1/courses": "/v1/courses", "/healthz": "/healthz",
		"api/v1/courses": "/api/v1/courses", "//evil.example/": "//evil.example/", "https://evil.example/": "https://evil.example/", "v1": "/v1/v1",
	} {
		if got := where(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
