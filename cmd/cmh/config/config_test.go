package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":                                {},
		"# nothing\n\n---\n":              {},
		"server: https://hub.example:8\n": {"server": "https://hub.example:8"},
		"pager: less -FRX # mine":         {"pager": "less -FRX"},
		"pager: \"a # \\\"b\\\"\" # c":    {"pager": `a # "b"`},
		"pager: 'it''s #1'\r\n":           {"pager": "it's #1"},
		"pager:\nserver:  x  ":            {"pager": "", "server": "x"},
		"insecure_http: true":             {"insecure_http": "true"},
		"server: [":                       nil,
		"server: {a: b}":                  nil,
		"- server":                        nil,
		"server":                          nil,
		"server:x":                        nil,
		"  server: x":                     nil,
		"a: b: c":                         nil,
		"a: \"b":                          nil,
		"a: 'b":                           nil,
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readFile(path)
		if (err != nil) != (want == nil) || len(got) != len(want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%q: %s is %q, want %q", text, k, got[k], v)
			}
		}
	}
}

// Whatever the file, it is settings or an error.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"server: http://x:1", "pager: \"a\\tb\"", "pager: 'it''s' # c", "a: b #c", "a:\n", "a: \"\\u00e9\"", "a: '\x00'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		settings, err := readFile(path)
		if err != nil && settings != nil {
			t.Errorf("both %q and %v", settings, err)
		}
	})
}
