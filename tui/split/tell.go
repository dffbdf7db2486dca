package split

import (
	"bytes"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// What a terminal says of itself, such as the colour that it draws on, looks like
// Alt-], and then a number. It is never the shell's: no question of the shell's
// programs gets as far as the learner's terminal, so it answers ours, or somebody's
// who had the terminal before.

// said is how long what p begins with is, as in length. Alt-] alone is a key.
func said(p []byte) int {
	if len(p) == 2 || p[2] < '0' || p[2] > '9' {
		return 2
	}
	i := 2
	for i < len(p) && p[i] >= 0x20 {
		i++
	}
	switch {
	case i == len(p), p[i] == 0x1b && i+1 == len(p):
		return 0
	case p[i] == 0x07:
		return i + 1
	case p[i] == 0x1b && p[i+1] == '\\':
		return i + 2
	}
	return i // cut off
}

// hears takes what the terminal says.
func (d *desk) hears(seq string) {
	colour, ok := strings.CutPrefix(seq, "\x1b]11;")
	if !ok || !d.o.Look.Ask {
		return
	}
	d.o.Look = d.o.Look.Answered(ansi.XParseColor(strings.TrimSuffix(strings.TrimSuffix(colour, "\x07"), "\x1b\\")))
	if d.o.Look.Ask {
		return
	}
	d.theme = themed(d.o)
	d.layOut()
	d.shown = shown{}
	d.changed()
}

// untilSaid passes over the rest of something long that the terminal says, up to its
// end or to the first key that can't belong to it.
func (d *desk) untilSaid(p []byte) int {
	n := bytes.IndexFunc(p, func(r rune) bool { return r < 0x20 })
	if n < 0 {
		return len(p)
	}
	d.input.telling = false
	switch {
	case p[n] == 0x07:
		n++
	case bytes.HasPrefix(p[n:], []byte("\x1b\\")):
		n += 2
	}
	if n == 0 {
		return d.key1(p)
	}
	return n
}
