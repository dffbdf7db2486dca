package words

import (
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
)

// rules are what a catalogue can't say about its language.
type rules struct {
	plural       func(n int) int // the form that goes with n, from 0
	forms        int
	group, point string // between thousands, and before decimals
}

func oneOrMore(n int) int {
	if n == 1 {
		return 0
	}
	return 1
}

var english = rules{plural: oneOrMore, forms: 2, group: ",", point: "."}

// Packed, a catalogue takes a quarter of the room, of which every program has one.
//
//go:embed po/*.po.gz
var files embed.FS

// catalogue is a language as it was read.
type catalogue struct {
	rules
	language string
	texts    map[string][]string // by English text: one form, or a plural's
	kept     []shape             // of the texts that are kept and sent as they are
}

// known are the languages that there is a catalogue of.
var known = map[string]rules{
	"de": {plural: oneOrMore, forms: 2, group: ".", point: ","},
}

// Languages are those that a program speaks, with the texts that it has. nil are
// cmh's.
type Languages struct{ read map[string]func() *catalogue }

var own = With()

// With speaks what this package does and, for a program that says more than cmh,
// what the catalogues po/*.po.gz in more do. Reading one takes about a millisecond,
// once.
func With(more ...fs.FS) *Languages {
	l := &Languages{read: map[string]func() *catalogue{}}
	for language, r := range known {
		l.read[language] = sync.OnceValue(func() *catalogue { return open(language, r, append([]fs.FS{files}, more...)) })
	}
	return l
}

// open reads a catalogue of ours: what is wrong with it, a test says.
func open(language string, r rules, from []fs.FS) *catalogue {
	c := &catalogue{rules: r, language: language, texts: map[string][]string{}}
	for _, f := range from {
		src, _ := unpack(f, language)
		entries, _ := parse(src)
		for _, e := range entries {
			if !e.translated() || e.id == "" {
				continue
			}
			c.texts[e.id] = e.forms
			if e.kept {
				c.kept = append(c.kept, shaped(e.id))
			}
		}
	}
	return c
}

func unpack(from fs.FS, language string) (string, error) {
	f, err := from.Open("po/" + language + ".po.gz")
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	src, err := io.ReadAll(z)
	return string(src), err
}

// In speaks the language of a locale such as "de", "de_AT.UTF-8" or "de-CH".
// ok is whether we do: English is spoken to everybody else.
func In(locale string) (s Speaker, ok bool) { return own.In(locale) }

// In is In with the texts of l.
func (l *Languages) In(locale string) (s Speaker, ok bool) {
	if l == nil {
		l = own
	}
	language := strings.ToLower(locale)
	if i := strings.IndexAny(language, "_-.@"); i >= 0 {
		language = language[:i]
	}
	if language == "en" || language == "c" || language == "posix" {
		return Speaker{}, true
	}
	read, ok := l.read[language]
	if !ok {
		return Speaker{}, false
	}
	return Speaker{read()}, true
}

// For speaks the language of setting; without one, what the environment asks for
// in the way of gettext: LC_ALL before LC_MESSAGES before LANG, and the list in
// LANGUAGE before the one of these that counts, unless that is C.
func For(setting string, getenv func(string) string) Speaker { return own.For(setting, getenv) }

// For is For with the texts of l.
func (l *Languages) For(setting string, getenv func(string) string) Speaker {
	if s, ok := l.In(setting); ok {
		return s
	}
	if getenv == nil {
		return Speaker{}
	}
	locale := ""
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale = getenv(name); locale != "" {
			break
		}
	}
	if base, _, _ := strings.Cut(locale, "."); base == "" || base == "C" || base == "POSIX" {
		return Speaker{}
	}
	for wish := range strings.SplitSeq(getenv("LANGUAGE"), ":") {
		if s, ok := l.In(wish); ok {
			return s
		}
	}
	s, _ := l.In(locale)
	return s
}

// Accept speaks the language that an Accept-Language header of HTTP likes best
// among ours: English when it names none of them.
func Accept(header string) Speaker { return own.Accept(header) }

// Accept is Accept with the texts of l.
func (l *Languages) Accept(header string) Speaker {
	var (
		best   Speaker
		weight float64
	)
	for wish := range strings.SplitSeq(header[:min(len(header), 1000)], ",") {
		tag, params, _ := strings.Cut(wish, ";")
		q := 1.0
		if _, v, ok := strings.Cut(strings.ReplaceAll(params, " ", ""), "q="); ok {
			q, _ = strconv.ParseFloat(v, 64) // what can't be read is liked least
		}
		if s, ok := l.In(strings.TrimSpace(tag)); ok && q > weight && q <= 1 {
			best, weight = s, q
		}
	}
	return best
}
