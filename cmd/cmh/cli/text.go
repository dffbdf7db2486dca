package cli

import (
	"strings"
	"unicode/utf8"
)

// Clean takes from s whatever a terminal would obey: text from a server, a
// course or a lab is shown, never executed. Line breaks and tabs stay.
func Clean(s string) string { return clean(s, "\n\t") }

// CleanLine is Clean for one cell or one line: it has no line breaks.
func CleanLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\n", " ", "\t", " ").Replace(clean(s, "\n\t")))
}

func clean(s, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r):
			return r
		case r < 0x20, isObeyed(r):
			return -1
		case r == utf8.RuneError:
			return '\uFFFD'
		}
		return r
	}, s)
}
