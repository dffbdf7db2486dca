package widget

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/theme"
)

// Cursor is a place among n rows.
type Cursor struct {
	At    int
	Above int // lines that are in sight of what stands over the first row; see MoveOn
}

// Move moves by the keys for moving; page is how far a page goes. It reports
// whether k was one of them.
func (c *Cursor) Move(keys theme.Keys, k tea.KeyPressMsg, n, page int) bool {
	switch {
	case key.Matches(k, keys.Down):
		c.At++
	case key.Matches(k, keys.Up):
		c.At--
	case key.Matches(k, keys.PageDown):
		c.At += page
	case key.Matches(k, keys.PageUp):
		c.At -= page
	case key.Matches(k, keys.Top):
		c.At = 0
	case key.Matches(k, keys.Bottom):
		c.At = n - 1
	default:
		return false
	}
	c.Clamp(n)
	return true
}

// MoveOn is Move on a page of that height which has more than rows: up from the
// first of them is into what stands over it.
func (c *Cursor) MoveOn(p *Page, keys theme.Keys, k tea.KeyPressMsg, n, page, height int) bool {
	before := *c
	switch {
	case c.At > 0:
	case key.Matches(k, keys.Up):
		c.Above++
	case key.Matches(k, keys.PageUp):
		c.Above += page
	case key.Matches(k, keys.Top):
		c.Above = p.from(height)
	case key.Matches(k, keys.Down) && c.Above > 0:
		c.Above--
	case key.Matches(k, keys.PageDown) && c.Above > 0:
		c.Above -= page
	}
	if *c != before || c.At == 0 && key.Matches(k, keys.Up, keys.PageUp, keys.Top) {
		c.Above = max(0, min(c.Above, p.from(height)))
		return true
	}
	c.Above = 0
	return c.Move(keys, k, n, page)
}

// Clamp keeps the cursor among n rows.
func (c *Cursor) Clamp(n int) { c.At = max(0, min(c.At, n-1)) }

// Page is a growing list of lines that remembers where the cursor's row is.
type Page struct {
	lines       []string
	first, last int // lines of the row to keep in sight
}

// Add appends lines.
func (p *Page) Add(lines ...string) { p.lines = append(p.lines, lines...) }

// Row appends the lines of one row; the selected one stays in sight.
func (p *Page) Row(selected bool, lines ...string) {
	if selected {
		p.first, p.last = len(p.lines), len(p.lines)+len(lines)-1
	}
	p.Add(lines...)
}

// View is the part of the page around the selected row, height lines high.
// Arrows at the right edge say that there is more.
func (p *Page) View(width, height int) string { return p.ViewAbove(0, width, height) }

// from is the line that such a view begins with.
func (p *Page) from(height int) int {
	if p.last < height {
		return 0
	}
	return max(0, min(p.last-height+1+min(2, height/4), len(p.lines)-height, p.first))
}

// ViewAbove is the View that many lines higher up.
func (p *Page) ViewAbove(lines, width, height int) string {
	from := max(0, p.from(height)-lines)
	out := window(p.lines, from, width, height)
	if height > 2 && from > 0 {
		out[0] = edged(out[0], width, "↑")
	}
	if height > 2 && from+height < len(p.lines) {
		out[height-1] = edged(out[height-1], width, "↓")
	}
	return strings.Join(out, "\n")
}

// edged puts an arrow into the last column of a line, which is mostly blank: it
// then counts as nothing lost.
func edged(line string, width int, arrow string) string {
	if text := strings.TrimRight(ansi.Strip(line), " "); ansi.StringWidth(text) < width {
		line = ansi.Truncate(line, width-1, "")
	}
	return Fit(line, width-1) + arrow
}

func window(lines []string, from, width, height int) []string {
	out := make([]string, max(height, 0))
	for i := range out {
		if from+i < len(lines) {
			out[i] = Fit(lines[from+i], width)
		}
	}
	return out
}

// Scroll is a text that is read by moving through it.
type Scroll struct {
	Lines  []string
	Offset int
}

// Move scrolls by the keys for moving, and reports whether k was one of them.
func (s *Scroll) Move(keys theme.Keys, k tea.KeyPressMsg, height int) bool {
	switch {
	case key.Matches(k, keys.Down):
		s.Offset++
	case key.Matches(k, keys.Up):
		s.Offset--
	case key.Matches(k, keys.PageDown):
		s.Offset += max(height-1, 1)
	case key.Matches(k, keys.PageUp):
		s.Offset -= max(height-1, 1)
	case key.Matches(k, keys.Top):
		s.Offset = 0
	case key.Matches(k, keys.Bottom):
		s.Offset = len(s.Lines)
	default:
		return false
	}
	s.Clamp(height)
	return true
}

// Clamp keeps the text in sight of a window of that height.
func (s *Scroll) Clamp(height int) { s.Offset = max(0, min(s.Offset, len(s.Lines)-height)) }

// View is what is in sight, with a bar at the right edge when there is more.
func (s Scroll) View(th theme.Theme, width, height int) string {
	if height <= 0 {
		return ""
	}
	s.Clamp(height)
	if len(s.Lines) <= height {
		return strings.Join(window(s.Lines, 0, width, height), "\n")
	}
	out := window(s.Lines, s.Offset, width-1, height)
	size := max(1, height*height/len(s.Lines))
	top := (height - size) * s.Offset / (len(s.Lines) - height)
	for i := range out {
		bar := th.Faint.Render("│")
		if i >= top && i < top+size {
			bar = th.Accent.Render("┃")
		}
		out[i] = Fit(out[i], width-1) + bar
	}
	return strings.Join(out, "\n")
}

// Row is one selectable line: a mark for the cursor, the text, and something
// at the right edge.
func Row(th theme.Theme, selected bool, text, right string, width int) string {
	if !selected {
		return Between("    "+text, th.Faint.Render(right), width-2)
	}
	return Between(th.Selected.Render("  › "+text), right, width-2)
}
