package draw

import (
	"cmp"
	"strings"

	"github.com/cloudmastershub/cmh/tui/markdown"
)

// ink is the set of SGR codes for each part of a text. Whoever doesn't know the
// terminal's background uses the sixteen colours of its own palette: they suit light
// and dark ones because their owner chose them.
type ink struct {
	heading, strong, emph, strike, code, link, faint, mark, note string
}

func inkFor(o markdown.Options) ink {
	switch {
	case o.Color:
		accent, faint := cmp.Or(o.Accent, "35"), cmp.Or(o.Faint, "2")
		bold := "1;" + accent
		return ink{heading: bold, strong: "1", emph: "3", strike: "9", code: accent, link: "4", faint: faint, mark: bold, note: bold}
	case o.Styled:
		return ink{heading: "1", strong: "1", emph: "3", strike: "9", code: "", link: "4", faint: "2", mark: "1", note: "1"}
	}
	return ink{}
}

// paint wraps s in the codes, if there are any.
func paint(s string, codes ...string) string {
	var set []string
	for _, c := range codes {
		if c != "" {
			set = append(set, c)
		}
	}
	if len(set) == 0 || s == "" {
		return s
	}
	return "\x1b[" + strings.Join(set, ";") + "m" + s + "\x1b[m"
}
