package labs

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	tailLines = 20
	tailBytes = 4096
)

var (
	// sequences are the escape sequences a terminal knows: CSI; OSC, DCS, SOS,
	// PM and APC with their strings; the short ones.
	sequences = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\|$)?|[ -/]*[0-~])")
	colour    = regexp.MustCompile("^\x1b\\[[0-9;:]*m$")
)

// tail is the end of what a script said, fit to show: its last lines, with
// colours and without any other control character. Scripts run in a sandbox
// whose owner may have written them.
func tail(said []byte) string {
	text := sequences.ReplaceAllStringFunc(strings.ToValidUTF8(string(said), "�"), func(s string) string {
		if colour.MatchString(s) {
			return s
		}
		return ""
	})
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, "\r \t")
		if at := strings.LastIndexByte(l, '\r'); at >= 0 { // a progress bar, drawn over itself
			l = l[at+1:]
		}
		lines[i] = printable(l)
	}
	text = strings.TrimSpace(strings.Join(lines, "\n"))
	lines = strings.Split(text, "\n")
	text = strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
	if len(text) > tailBytes {
		text = text[len(text)-tailBytes:]
		for !utf8.RuneStart(text[0]) {
			text = text[1:]
		}
		// The cut may have gone through a colour.
		if esc, nl := strings.IndexByte(text, '\x1b'), strings.IndexByte(text, '\n'); nl >= 0 && (esc < 0 || nl < esc) {
			text = text[nl+1:]
		}
	}
	if strings.Contains(text, "\x1b") {
		text += "\x1b[0m"
	}
	return text
}

// printable drops control characters, and those that turn the direction of
// writing; an escape is kept where it begins a colour.
func printable(line string) string {
	var b strings.Builder
	for i, r := range line {
		switch {
		case r == '\t':
		case r == '\x1b' && strings.HasPrefix(line[i:], "\x1b["):
			if loc := sequences.FindStringIndex(line[i:]); loc == nil || loc[0] != 0 || !colour.MatchString(line[i:i+loc[1]]) {
				continue
			}
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
