package widget

import (
	"strings"
	"unicode"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/theme"
)

// Find looks for something in the lines of a text, whatever their styles, and
// also across the end of a line: where a text was wrapped is nobody's concern.
type Find struct {
	input Input
	from  int    // the line in sight when the search began
	cells []cell // of the text; never changed in place
	hits  [][]stretch
	at    int // the hit that was gone to
}

// cell is one rune of a text and where it stands; that of a line's end stands
// nowhere.
type cell struct {
	r                rune
	line, col, width int
}

// stretch is a part of a line, in columns.
type stretch struct{ line, from, to int }

// Open begins to ask what to look for, in a text that is read at a line.
func (f *Find) Open(line int) {
	f.from = line
	f.input = Input{Prompt: "Find", Hint: "a text", Focus: true}
	f.search()
}

// Asks reports whether keys go into what is looked for, and On whether anything
// is looked for at all.
func (f *Find) Asks() bool { return f.input.Focus }

// On reports whether something is looked for.
func (f *Find) On() bool { return f.input.Focus || f.input.Value != "" }

// Look takes the lines of the text, which may have been laid out anew.
func (f *Find) Look(lines []string) {
	f.cells = make([]cell, 0, len(f.cells))
	for i, l := range lines {
		plain := strings.TrimRight(ansi.Strip(l), " ")
		for col := 0; plain != ""; {
			c, w := ansi.FirstGraphemeCluster(plain, ansi.GraphemeWidth)
			n := max(len(c), 1)
			for _, r := range plain[:n] {
				if r == ' ' && (len(f.cells) == 0 || f.cells[len(f.cells)-1].r == ' ') {
					continue // an indent, or a gap
				}
				f.cells = append(f.cells, cell{unicode.ToLower(r), i, col, w})
			}
			col, plain = col+w, plain[n:]
		}
		if n := len(f.cells); n > 0 && f.cells[n-1].r != ' ' {
			f.cells = append(f.cells, cell{r: ' ', line: i})
		}
	}
	f.search()
}

// search finds every place.
func (f *Find) search() {
	f.hits = nil
	var what []rune
	for _, r := range strings.Join(strings.Fields(f.input.Value), " ") {
		what = append(what, unicode.ToLower(r))
	}
	if len(what) == 0 {
		return
	}
	for i := 0; i+len(what) <= len(f.cells); i++ {
		n := 0
		for n < len(what) && f.cells[i+n].r == what[n] {
			n++
		}
		if n == len(what) {
			f.hits = append(f.hits, stretches(f.cells[i:i+n]))
			i += n - 1
		}
	}
	f.at = min(f.at, max(len(f.hits)-1, 0))
}

// stretches are the parts of lines that cells stand on.
func stretches(cells []cell) []stretch {
	var out []stretch
	for _, c := range cells {
		switch last := len(out) - 1; {
		case c.width == 0:
		case last >= 0 && out[last].line == c.line:
			out[last].to = max(out[last].to, c.col+c.width)
		default:
			out = append(out, stretch{c.line, c.col, c.col + c.width})
		}
	}
	return out
}

// Press takes a key, or a paste, while Asks. It returns the line to go to; -1 is
// none.
func (f *Find) Press(msg tea.Msg) int {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc":
			f.Close()
			return f.from
		case "enter":
			f.input.Focus = false
			return -1
		}
	}
	if !f.input.Update(msg) {
		return -1
	}
	f.search()
	for i, h := range f.hits {
		if f.at = i; h[0].line >= f.from {
			break
		}
	}
	return f.line()
}

// Next goes to another hit, around the ends, and returns its line.
func (f *Find) Next(by int) int {
	if n := len(f.hits); n > 0 {
		f.at = (f.at + by + n) % n
	}
	return f.line()
}

func (f *Find) line() int {
	if len(f.hits) == 0 {
		return -1
	}
	return f.hits[f.at][0].line
}

// Close looks for nothing any more.
func (f *Find) Close() { f.input, f.hits, f.at = Input{}, nil, 0 }

// View is the line that tells what is looked for, and how much of it there is.
func (f *Find) View(th theme.Theme, width int) string {
	count := ""
	switch {
	case f.input.Value == "":
	case len(f.hits) == 0:
		count = th.T("not found")
	default:
		count = Of(th.Speaker, f.at+1, len(f.hits))
	}
	return Between("  "+f.input.View(th, width-ansi.StringWidth(count)-6), count, width)
}

// Mark shows the hits among height lines from one on: the one that was gone to
// in reverse, the others underlined, which needs no colour.
func (f *Find) Mark(lines []string, from, height int) []string {
	if len(f.hits) == 0 {
		return lines
	}
	marks := map[int][]lipgloss.Range{}
	for i, h := range f.hits {
		style := lipgloss.NewStyle().Underline(true)
		if i == f.at {
			style = lipgloss.NewStyle().Reverse(true)
		}
		for _, s := range h {
			if s.line >= from && s.line < from+height {
				marks[s.line] = append(marks[s.line], lipgloss.NewRange(s.from, s.to, style))
			}
		}
	}
	out := append([]string(nil), lines...)
	for line, ranges := range marks {
		if line < len(out) {
			out[line] = lipgloss.StyleRanges(out[line], ranges...)
		}
	}
	return out
}

// Keys are the keys while Asks, or while something is looked for.
func (f *Find) Keys() []key.Binding {
	if f.Asks() {
		return []key.Binding{theme.Bind("enter", "to the text"), theme.Bind("esc", "cancel")}
	}
	if len(f.hits) < 2 {
		return []key.Binding{FindEnd}
	}
	return []key.Binding{FindNext, FindPrevious, FindEnd}
}

// Keys of a search that is on.
var (
	FindNext     = theme.Bind("n", "next place", "n")
	FindPrevious = theme.Bind("N", "previous place", "N")
	FindEnd      = theme.Bind("esc", "end search", "esc")
)
