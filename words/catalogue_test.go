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

// parts are the catalogues of each language: of cmh, of what only the hub and the
// tools of authors say beside that, and of the agent, who knows no others.
var parts = []struct {
	dir    string
	in     func(*found) bool
	packed bool
}{
	{"po", func(f *found) bool { return f.near }, true},
	{"more/po", func(f *found) bool { return f.far && !f.near }, true},
	{"../labs/agent/po", func(f *found) bool { return f.inside }, false},
}

// TestCatalogues holds each catalogue to the code: no text is missing, none is
// left over, and each says what it says with the same values.
func TestCatalogues(t *testing.T) {
	s := read(t, "..")
	for _, w := range s.wrong {
		t.Error(w)
	}
	for language := range known {
		have := map[string]entry{}
		for _, p := range parts {
			for id, e := range entriesIn(t, p.dir+"/"+language+".po") {
				if have[id].forms == nil || e.translated() {
					have[id] = e
				}
			}
		}
		for _, p := range parts {
			name := p.dir + "/" + language + ".po"
			if *update {
				rewrite(t, name, language, s.of(p.in), have, p.packed)
			}
			hold(t, name, language, s.of(p.in), p.packed)
		}
	}
}

// of are the texts of one catalogue.
func (s *source) of(in func(*found) bool) []*found {
	return slices.DeleteFunc(slices.Clone(s.texts), func(f *found) bool { return !in(f) })
}

func entriesIn(t *testing.T, name string) map[string]entry {
	t.Helper()
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
	return have
}

// hold holds a catalogue to the texts that it is of.
func hold(t *testing.T, name, language string, texts []*found, packed bool) {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSuffix(name, "po/"+language+".po")
	if packed {
		if text, err := unpack(os.DirFS("./"+dir), language); err != nil || text != bare(string(src)) {
			t.Errorf("%s.gz is not %s (%v): run make words", name, name, err)
		}
	}
	have, missing := entriesIn(t, name), 0
	for _, f := range texts {
		e, ok := have[f.id]
		delete(have, f.id)
		switch {
		case !ok || !e.translated() || e.plural != f.plural:
			if missing++; missing <= 20 {
				t.Errorf("%s has no translation of %q (%s)", name, f.id, f.file)
			}
		case e.plural != "" && len(e.forms) != known[language].forms, e.plural == "" && len(e.forms) != 1:
			t.Errorf("%s: %q has %d forms", name, f.id, len(e.forms))
		case e.kept != f.kept:
			t.Errorf("%s: %q is marked as kept: %v, want %v", name, f.id, e.kept, f.kept)
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

// bare is a catalogue without what only translators read.
func bare(src string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		if !strings.HasPrefix(line, "#") || strings.HasPrefix(line, "#, fuzzy") || strings.HasPrefix(line, "#, kept") {
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
func rewrite(t *testing.T, name, language string, texts []*found, have map[string]entry, pack bool) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, head, language)
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
		e.kept = f.kept
		if e.id, e.plural = f.id, f.plural; e.plural == "" && len(e.forms) > 1 {
			e.forms = nil
		}
		for e.plural != "" && len(e.forms) < known[language].forms {
			e.forms = append(e.forms, "")
		}
		e.write(&b)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil || !pack {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = io.WriteString(z, bare(b.String()))
	_ = z.Close()
	if err := os.WriteFile(name+".gz", packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
