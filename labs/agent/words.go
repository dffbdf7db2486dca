package main

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// The agent says few things itself, and says them where the host may be away: it
// has catalogues of its own, of texts on one line each. A test of package words
// holds them to the code.
//
//go:embed po/*.po
var catalogues embed.FS

// A tongue speaks the language of whoever attached last: a lab is one learner's.
type tongue struct{ spoken atomic.Pointer[language] }

type language struct {
	locale string
	said   bool // it was asked for by itself, not with a locale
	texts  map[string]string
}

// learn takes another language. What can't be one changes nothing.
func (t *tongue) learn(locale string) bool { return t.take(locale, false) }

// hear is learn with a language that somebody chose: that comes before all locales.
func (t *tongue) hear(language string) bool { return t.take(language, true) }

func (t *tongue) take(locale string, said bool) bool {
	if locale == "" || len(locale) > 64 || strings.ContainsFunc(locale, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("_-.@", r)
	}) {
		return false
	}
	if was := t.spoken.Load(); was == nil || was.locale != locale || was.said != said {
		t.spoken.Store(&language{locale, said, textsIn(locale)})
	}
	return true
}

// locale is what it has learned.
func (t *tongue) locale() string {
	if l := t.spoken.Load(); l != nil {
		return l.locale
	}
	return ""
}

// chosen is the language that somebody chose.
func (t *tongue) chosen() string {
	if l := t.spoken.Load(); l != nil && l.said {
		return l.locale
	}
	return ""
}

// T is text, which holds no verbs, in that language.
func (t *tongue) T(text string) string {
	if l := t.spoken.Load(); l != nil && l.texts[text] != "" {
		return l.texts[text]
	}
	return text
}

// Tf is fmt.Sprintf with format in that language.
func (t *tongue) Tf(format string, args ...any) string { return fmt.Sprintf(t.T(format), args...) }

// textsIn reads the catalogue of a locale; nil is English.
func textsIn(locale string) map[string]string {
	name := strings.ToLower(locale)
	if i := strings.IndexAny(name, "_-.@"); i >= 0 {
		name = name[:i]
	}
	src, err := catalogues.ReadFile("po/" + name + ".po")
	if err != nil {
		return nil
	}
	out, id := map[string]string{}, ""
	for line := range strings.Lines(string(src)) {
		word, quoted, _ := strings.Cut(strings.TrimSpace(line), " ")
		text, err := strconv.Unquote(quoted)
		switch {
		case err != nil:
		case word == "msgid":
			id = text
		case word == "msgstr" && id != "":
			out[id] = text
		}
	}
	return out
}

// locale is the language that an environment asks for, if it names one.
func locale(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		v := getenv(name)
		if base, _, _ := strings.Cut(v, "."); v != "" {
			if base == "C" || base == "POSIX" {
				return ""
			}
			return v
		}
	}
	return ""
}
