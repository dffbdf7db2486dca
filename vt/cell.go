package vt

import (
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// A cell is one character's place. The right half of a wide character is a
// cell whose width is 0.
type cell struct {
	r     rune // 0 is blank
	pen   pen
	wide  bool
	right bool // the right half of a wide one
}

// A pen is how characters are drawn.
type pen struct {
	fg, bg color
	attr   attr
}

// A color is 0 for the default one, or a kind in the top byte and an index or
// a value below.
type color uint32

const (
	indexed color = 1 << 24
	direct  color = 2 << 24
)

type attr uint16

const (
	bold attr = 1 << iota
	faint
	italic
	blink
	reverse
	conceal
	strike
	overline
	underline attr = 7 << 8 // its style, 0 for none: 1 single, 2 double, 3 curly, 4 dotted, 5 dashed
)

func (a attr) style() int { return int(a & underline >> 8) }

// A row is one line of a screen. Without cells it is blank.
type row struct {
	cells   []cell
	marks   map[int]string // combining characters, by column
	wrapped bool           // the text goes on in the next row
}

func (r *row) at(x int) cell {
	if x >= len(r.cells) {
		return cell{}
	}
	return r.cells[x]
}

// open makes sure that the row has its cells.
func (r *row) open(cols int) []cell {
	if len(r.cells) < cols {
		c := make([]cell, cols)
		copy(c, r.cells)
		r.cells = c
	}
	return r.cells
}

// cut drops what lies right of cols.
func (r *row) cut(cols int) {
	if len(r.cells) <= cols {
		return
	}
	if r.cells[cols].right {
		r.cells[cols-1] = cell{pen: r.cells[cols-1].pen}
	}
	r.cells = r.cells[:cols:cols]
	r.wrapped = false
	for x := range r.marks {
		if x >= cols {
			delete(r.marks, x)
		}
	}
}

// set puts c at x. What is left of a wide character that it cuts is blanked.
func (r *row) set(x int, c cell) {
	old := r.cells[x]
	if old.right && x > 0 {
		r.cells[x-1].r, r.cells[x-1].wide = 0, false
		r.unmark(x - 1)
	}
	if old.wide && x+1 < len(r.cells) {
		r.cells[x+1].right = false
	}
	r.cells[x] = c
	r.unmark(x)
}

func (r *row) unmark(x int) {
	if r.marks != nil {
		delete(r.marks, x)
	}
}

// mark adds a combining character.
func (r *row) mark(x int, c rune) {
	if r.marks == nil {
		r.marks = map[int]string{}
	}
	if len(r.marks[x])+utf8.RuneLen(c) <= maxMarks {
		r.marks[x] += string(c)
	}
}

// shift moves the cells from x on by n, to the left when n is negative, within
// [x, right]. It blanks what becomes free.
func (r *row) shift(x, right, n int, blank cell) {
	marks := r.marks
	r.marks = nil
	keep := func(from, to int) {
		if m, ok := marks[from]; ok {
			if r.marks == nil {
				r.marks = map[int]string{}
			}
			r.marks[to] = m
		}
	}
	for from := range marks {
		if from < x || from > right {
			keep(from, from)
		}
	}
	if n > 0 {
		for to := right; to >= x; to-- {
			if from := to - n; from >= x {
				r.cells[to] = r.cells[from]
				keep(from, to)
			} else {
				r.cells[to] = blank
			}
		}
	} else {
		for to := x; to <= right; to++ {
			if from := to - n; from <= right {
				r.cells[to] = r.cells[from]
				keep(from, to)
			} else {
				r.cells[to] = blank
			}
		}
	}
	r.mend(x)
	r.mend(right + 1)
	if n > 0 {
		r.mend(min(x+n, right+1))
	} else {
		r.mend(max(x, right+1+n))
	}
}

// mend blanks the halves of a wide character that no longer meet between x-1
// and x.
func (r *row) mend(x int) {
	if x > 0 && x <= len(r.cells) && r.cells[x-1].wide && (x == len(r.cells) || !r.cells[x].right) {
		r.cells[x-1].r, r.cells[x-1].wide = 0, false
		r.unmark(x - 1)
	}
	if x < len(r.cells) && r.cells[x].right && (x == 0 || !r.cells[x-1].wide) {
		r.cells[x].right = false
	}
}

// width is how many columns a character takes.
func width(r rune) int {
	if r < 0x7f && r >= 0x20 {
		return 1
	}
	if r == 0xad { // a soft hyphen is drawn, by most terminals
		return 1
	}
	return min(displaywidth.Rune(r), 2)
}
