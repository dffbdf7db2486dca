package draw

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
	east "github.com/yuin/goldmark/extension/ast"
)

// narrowest is the least width of a column; a table with less room is drawn
// as a list of its rows.
const narrowest = 6

// table draws columns, wrapping inside each cell.
func (r *renderer) table(n *east.Table, width int) []string {
	var rows [][][]span
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		style := ""
		if _, ok := row.(*east.TableHeader); ok {
			style = r.ink.strong
		}
		var cells [][]span
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, r.inline(c, style))
		}
		rows = append(rows, cells)
	}
	columns := len(n.Alignments)
	if columns == 0 || len(rows) == 0 {
		return nil
	}
	widths, ok := fit(r.natural(rows, columns), width-3*(columns-1))
	if !ok || r.o.Linear {
		return r.records(rows, width)
	}
	var out []string
	for i, row := range rows {
		out = append(out, r.row(row, widths, n.Alignments)...)
		if i == 0 {
			rules := make([]string, columns)
			for c, w := range widths {
				rules[c] = strings.Repeat("─", w)
			}
			out = append(out, paint(strings.Join(rules, "─┼─"), r.ink.faint))
		}
	}
	return out
}

// natural returns how wide each column would like to be.
func (r *renderer) natural(rows [][][]span, columns int) []int {
	widths := make([]int, columns)
	for _, row := range rows {
		for c, cell := range row {
			if c >= columns {
				break
			}
			for _, l := range r.wrap(cell, 1000) {
				widths[c] = max(widths[c], ansi.StringWidth(l))
			}
			widths[c] = max(widths[c], 1)
		}
	}
	return widths
}

// fit narrows the widest columns until all fit in room, and reports whether
// that can be.
func fit(widths []int, room int) ([]int, bool) {
	total := 0
	for _, w := range widths {
		total += w
	}
	for total > room {
		widest := 0
		for c, w := range widths {
			if w > widths[widest] {
				widest = c
			}
		}
		if widths[widest] <= narrowest {
			return nil, false
		}
		widths[widest]--
		total--
	}
	return widths, true
}

func (r *renderer) row(cells [][]span, widths []int, align []east.Alignment) []string {
	drawn := make([][]string, len(widths))
	height := 1
	for c, w := range widths {
		if c < len(cells) {
			drawn[c] = r.wrap(cells[c], w)
		}
		height = max(height, len(drawn[c]))
	}
	out := make([]string, height)
	for l := range height {
		parts := make([]string, len(widths))
		for c, w := range widths {
			text := ""
			if l < len(drawn[c]) {
				text = drawn[c][l]
			}
			left := 0
			switch align[c] {
			case east.AlignRight:
				left = w - ansi.StringWidth(text)
			case east.AlignCenter:
				left = (w - ansi.StringWidth(text)) / 2
			}
			parts[c] = pad(strings.Repeat(" ", max(0, left))+text, w)
		}
		out[l] = strings.TrimRight(strings.Join(parts, paint(" │ ", r.ink.faint)), " ")
	}
	return out
}

// records draws each row as lines of "heading: value".
func (r *renderer) records(rows [][][]span, width int) []string {
	var out []string
	for i, row := range rows {
		if i == 0 && len(rows) > 1 {
			continue
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		for c, cell := range row {
			line := cell
			if i > 0 && c < len(rows[0]) && len(rows[0][c]) > 0 {
				line = append(append(append([]span{}, rows[0][c]...), span{text: ": "}), cell...)
			}
			out = append(out, prefix(r.wrap(line, width-2), "", "  ")...)
		}
	}
	return out
}
