package draw

import (
	"strings"

	"github.com/cloudmastershub/cmh/tui/markdown"
)

// ink is the set of SGR codes for each part of a text. Only the sixteen
// colours of the terminal's own palette are used: they suit light and dark
// backgrounds because their owner chose them.
type ink struct {
	heading, strong, emph, strike, code, link, faint, mark, note string
}

func inkFor(o markdown.Options) ink {
	switch {
	case o.Color:
		return ink{heading: "1;35", strong: "1", emph: "3", strike: "9", code: "35", link: "4", faint: "2", mark: "1;35", note: "1;35"}
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
