package words

import (
	"compress/gzip"
	"embed"
	"io"
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
}

// languages are those that there is a catalogue of. Reading one takes about a
// millisecond, once in a process.
var languages = map[string]func() *catalogue{
	"de": sync.OnceValue(func() *catalogue {
		return open("de", rules{plural: oneOrMore, forms: 2, group: ".", point: ","})
	}),
}

// open reads a catalogue of ours: what is wrong with it, a test says.
func open(language string, r rules) *catalogue {
	c := &catalogue{rules: r, language: language, texts: map[string][]string{}}
	src, _ := unpack(language)
	entries, _ := parse(src)
	for _, e := range entries {
		if e.translated() && e.id != "" {
			c.texts[e.id] = e.forms
		}
	}
	return c
}

func unpack(language string) (string, error) {
	f, err := files.Open("po/" + language + ".po.gz")
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
func In(locale string) (s Speaker, ok bool) {
	language := strings.ToLower(locale)
	if i := strings.IndexAny(language, "_-.@"); i >= 0 {
		language = language[:i]
	}
	if language == "en" || language == "c" || language == "posix" {
		return Speaker{}, true
	}
	read, ok := languages[language]
	if !ok {
		return Speaker{}, false
	}
	return Speaker{read()}, true
}

// For speaks the language of setting; without one, what the environment asks for
// in the way of gettext: LC_ALL before LC_MESSAGES before LANG, and the list in
// LANGUAGE before the one of these that counts, unless that is C.
func For(setting string, getenv func(string) string) Speaker {
	if s, ok := In(setting); ok {
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
		if s, ok := In(wish); ok {
			return s
		}
	}
	s, _ := In(locale)
	return s
}

// Accept speaks the language that an Accept-Language header of HTTP likes best
// among ours: English when it names none of them.
func Accept(header string) Speaker {
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
		if s, ok := In(strings.TrimSpace(tag)); ok && q > weight && q <= 1 {
			best, weight = s, q
		}
	}
	return best
}
