// Package safe makes text from elsewhere (course content, names, lab output,
// a server's words) fit to be written to a terminal. It works by an allow-list:
// what it does not know to be harmless is dropped. Deciding what the text looks
// like is left to others.
package safe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s without anything a terminal would act on or that hides or
// reorders what is read: no escape sequences, no control characters but
// newline and tab, no bidirectional overrides, no invisible characters. Joiners
// stay where scripts and emoji need them. Text(Text(s)) == Text(s).
func Text(s string) string {
	if plain(s) {
		return s
	}
	return filter(s, false)
}

// Line is Text on one line: every run of white space becomes one space, and
// none is left at the ends. It suits titles, names and messages.
func Line(s string) string {
	return strings.Join(strings.Fields(Text(s)), " ")
}

// Styled is Text for output that is already rendered: it also lets colours and
// emphasis (SGR, but not the one that conceals) and links to http and https
// (OSC 8) pass. Whatever is still open at the end of s is closed.
func Styled(s string) string {
	if plain(s) {
		return s
	}
	return filter(s, true)
}

// plain reports whether s is only printable ASCII, newlines and tabs: the
// common case, which costs no copy.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f {
			return false
		}
	}
	return true
}

// marksInARow bounds combining marks on one character: enough for every
// script, too few to paint over the lines above and below.
const marksInARow = 6

func filter(s string, styled bool) string {
	var (
		b       strings.Builder
		prev    rune // the last one written
		marks   int
		painted bool // an SGR other than reset is in force
		linked  bool // a link is open
	)
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\x1b':
			seq, kind, n := sequence(s[i:])
			i += n
			if !styled {
				continue
			}
			switch kind {
			case style:
				painted = seq != resetStyle
				b.WriteString(seq)
			case link:
				linked = true
				b.WriteString(seq)
			case linkEnd:
				linked = false
				b.WriteString(seq)
			}
			continue
		case r == utf8.RuneError && size == 1:
			r = utf8.RuneError // visible, and valid
		case r == '\u2028' || r == '\u2029':
			r = '\n'
		}
		i += size
		next, _ := utf8.DecodeRuneInString(s[i:])
		if !shown(r, prev, next) {
			continue
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			if marks++; marks > marksInARow {
				continue
			}
		} else {
			marks = 0
		}
		b.WriteRune(r)
		prev = r
	}
	if linked {
		b.WriteString(closeLink)
	}
	if painted {
		b.WriteString(resetStyle)
	}
	return b.String()
}

// shown reports whether r, between prev and next, is something a reader sees
// where it stands.
func shown(r, prev, next rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return false
	case r < 0x7f:
		return true
	case r == '\u200c' || r == '\u200d': // the joiners
		return joins(prev) && joins(next) && !unicode.IsMark(next)
	case r == '\ufe0e' || r == '\ufe0f': // text or emoji form of what is before
		return unicode.IsSymbol(prev) && prev > 0x7f || prev == '#' || prev == '*' || prev >= '0' && prev <= '9' || prev == '\u203c' || prev == '\u2049'
	case r >= 0x600 && r <= 0x605, r == 0x6dd: // visible, though of category Cf
		return true
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		return false // bidi controls, soft hyphen, zero-width spaces, tags, ...
	case r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0', r == '\u034f', r == '\u17b4', r == '\u17b5':
		return false // fillers: letters by category, nothing on screen
	case r >= 0xe0000 && r <= 0xeffff:
		return false // the plane of tags, also where nothing is assigned yet
	}
	return true
}

// joins reports whether a joiner beside r can mean anything.
func joins(r rune) bool {
	return r > 0x7f && r != utf8.RuneError && shownAlone(r) &&
		(unicode.IsLetter(r) || unicode.IsSymbol(r) || unicode.IsMark(r))
}

func shownAlone(r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return false
	case '\ufe0e', '\ufe0f':
		return true
	}
	return shown(r, 0, 0)
}
