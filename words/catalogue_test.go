package words

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "bring the catalogues up to the code")

const head = `msgid ""
msgstr ""
"Project-Id-Version: cmh\n"
"Language: %s\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
`

// TestCatalogues holds each catalogue to the code: no text is missing, none is
// left over, and each says what it says with the same values.
func TestCatalogues(t *testing.T) {
	s := read(t, "..")
	for _, w := range s.wrong {
		t.Error(w)
	}
	for language := range languages {
		name := "po/" + language + ".po"
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := parse(string(src))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		have := map[string]entry{}
		for _, e := range entries {
			if _, twice := have[e.id]; twice {
				t.Errorf("%s has %q twice", name, e.id)
			}
			have[e.id] = e
		}
		if *update {
			rewrite(t, name, language, s, have)
		} else if packed, err := unpack(language); err != nil || packed != bare(string(src)) {
			t.Errorf("%s.gz is not %s (%v): run make words", name, name, err)
		}
		missing := 0
		for _, f := range s.texts {
			e, ok := have[f.id]
			delete(have, f.id)
			switch {
			case !ok || !e.translated() || e.plural != f.plural:
				if missing++; missing <= 20 {
					t.Errorf("%s has no translation of %q (%s)", name, f.id, f.file)
				}
			case e.plural != "" && len(e.forms) != languages[language]().forms:
				t.Errorf("%s: %q has %d forms", name, f.id, len(e.forms))
			default:
				compare(t, name, f, e)
			}
		}
		if missing > 0 {
			t.Errorf("%d texts to translate into %s: run make words, and fill in what it leaves empty", missing, language)
		}
		delete(have, "")
		for id := range have {
			t.Errorf("%s translates %q, which nobody says any more: run make words", name, id)
		}
	}
}

// bare is a catalogue without what only translators read.
func bare(src string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		if !strings.HasPrefix(line, "#") || strings.HasPrefix(line, "#, fuzzy") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func compare(t *testing.T, name string, f *found, e entry) {
	t.Helper()
	want := verbs(f.id)
	if f.plural != "" {
		want = verbs(f.plural)
	}
	for i, form := range e.forms {
		got := verbs(form)
		if f.plural != "" && i == 0 {
			want := verbs(f.id)
			if !maps.Equal(got, want) {
				t.Errorf("%s: %q has the verbs %v, %q has %v", name, f.id, want, form, got)
			}
			continue
		}
		if (f.verbs || len(want) > 0) && !maps.Equal(got, want) {
			t.Errorf("%s: %q has the verbs %v, %q has %v", name, f.id, want, form, got)
		}
		if edge(f.id) != edge(form) {
			t.Errorf("%s: %q begins or ends otherwise than %q", name, form, f.id)
		}
	}
}

// edge is the blanks that a text begins and ends with, which whoever puts it
// among others relies on.
func edge(s string) string {
	middle := strings.TrimSpace(s)
	before, after, _ := strings.Cut(s, middle)
	return before + "|" + after
}

// rewrite brings a catalogue up to the code, in its order. What is new stays
// without a translation, for a person to fill in.
func rewrite(t *testing.T, name, language string, s *source, have map[string]entry) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, head, language)
	texts := slices.Clone(s.texts)
	slices.SortStableFunc(texts, func(x, y *found) int { return strings.Compare(x.file, y.file) })
	file := ""
	for _, f := range texts {
		b.WriteString("\n")
		if f.file != file {
			file = f.file
		}
		fmt.Fprintf(&b, "#: %s\n", f.file)
		if f.verbs && len(verbs(f.id)) > 0 {
			b.WriteString("#, go-format\n")
		}
		e := have[f.id]
		if e.id, e.plural = f.id, f.plural; e.plural == "" && len(e.forms) > 1 {
			e.forms = nil
		}
		for e.plural != "" && len(e.forms) < languages[language]().forms {
			e.forms = append(e.forms, "")
		}
		e.write(&b)
		have[f.id] = e
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = io.WriteString(z, bare(b.String()))
	_ = z.Close()
	for name, text := range map[string][]byte{name: []byte(b.String()), name + ".gz": packed.Bytes()} {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for id := range have {
		if s.byID[id] == nil && id != "" {
			delete(have, id)
		}
	}
}
