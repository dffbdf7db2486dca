// Package vt is a model of a terminal: it reads what programs print and
// knows at any moment what a screen that had shown all of it would look like,
// and in which modes it would be. Draw puts another terminal into that state.
//
// It answers no question of a program's by itself and repeats none: whatever Draw writes
// was made here from cells and modes, so nothing in it makes a terminal answer,
// set its title or touch a clipboard. Titles, links, images and palettes are
// not part of the model.
//
// The dialect is xterm's. Its memory is bounded by the size and by MaxHistory,
// whatever is printed.
package vt

// Bounds of what a Screen keeps.
const (
	MaxCells   = 100_000   // rows are cut so that no screen is larger
	MaxHistory = 128 << 10 // bytes of lines that have left the screen at its top
	maxLines   = 5000      // and how many of them
	maxMarks   = 32        // bytes of combining characters on one cell
)

// A Screen is used from one goroutine at a time.
type Screen struct {
	// Asked is called, when it isn't nil, with what a program wants to know:
	// the intermediates and the last byte of its sequence, and the first number.
	// Answer gives the usual answers.
	Asked func(kind string, n int)

	cols, rows int
	main, alt  []row
	grid       []row // main or alt
	onAlt      bool

	cursor
	saved       [2]cursor // DECSC, of the main and of the alternate screen
	top, bottom int       // scroll region, both inclusive
	left, right int
	tabs        []bool
	modes       modes
	last        rune // for REP; 0 when there is none

	parser  parser
	history history
}

// A cursor is what DECSC saves.
type cursor struct {
	x, y    int
	pending bool // at the last column, which was written: the next character wraps
	pen     pen
	origin  bool
	g       [4]byte // designated character sets: 'B', '0', 'A'
	gl      int     // which of them is in use
}

var home = cursor{g: [4]byte{'B', 'B', 'B', 'B'}}

// New returns an empty screen.
func New(cols, rows int) *Screen {
	s := &Screen{}
	s.cols, s.rows = fit(cols, rows)
	s.reset()
	return s
}

// fit bounds a size.
func fit(cols, rows int) (int, int) {
	cols = min(max(cols, 1), 1000)
	return cols, min(max(rows, 1), 1000, MaxCells/cols)
}

// reset is what a terminal does when it is switched on.
func (s *Screen) reset() {
	s.main, s.alt = make([]row, s.rows), nil
	s.grid, s.onAlt = s.main, false
	s.cursor, s.saved = home, [2]cursor{home, home}
	s.modes.reset()
	s.wholeRegion()
	s.tabs = stops(s.cols, nil)
	s.last = 0
}

func (s *Screen) wholeRegion() {
	s.top, s.bottom, s.left, s.right = 0, s.rows-1, 0, s.cols-1
}

// stops are tab stops at every eighth column beyond those that old has.
func stops(cols int, old []bool) []bool {
	t := make([]bool, cols)
	copy(t, old)
	for i := len(old); i < cols; i++ {
		t[i] = i%8 == 0 && i > 0
	}
	return t
}

// Size returns columns and rows.
func (s *Screen) Size() (cols, rows int) { return s.cols, s.rows }

// Alternate says whether a full-screen program shows the alternate screen.
func (s *Screen) Alternate() bool { return s.onAlt }

// Cursor returns where the cursor is, from 0, and whether it is shown.
func (s *Screen) Cursor() (x, y int, visible bool) { return s.x, s.y, s.modes.on(25) }

// Resize changes the size. Lines that were wrapped are not joined again: the
// programs draw what they want after it. When the screen gets lower its
// upper lines move to the history, as far as the cursor allows.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = fit(cols, rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	mainY := &s.y
	if s.onAlt {
		mainY = &s.saved[0].y
	}
	if over := *mainY - (rows - 1); over > 0 {
		for _, r := range s.main[:over] {
			s.history.add(r, s.cols)
		}
		s.main = s.main[over:]
		*mainY -= over
		if s.onAlt {
			s.y = min(s.y, rows-1)
		} else {
			s.saved[0].y = max(0, s.saved[0].y-over)
		}
	}
	s.main = resized(s.main, cols, rows)
	if s.alt != nil {
		s.alt = resized(s.alt, cols, rows)
	}
	s.grid = s.main
	if s.onAlt {
		s.grid = s.alt
	}
	s.tabs = stops(cols, s.tabs[:min(len(s.tabs), cols)])
	s.cols, s.rows = cols, rows
	s.wholeRegion()
	if s.modes.on(margins) {
		s.modes.dec[margins] = false
	}
	for _, c := range []*cursor{&s.cursor, &s.saved[0], &s.saved[1]} {
		c.x, c.y, c.pending = min(c.x, cols-1), min(c.y, rows-1), false
	}
}

func resized(rows []row, cols, n int) []row {
	out := make([]row, n)
	copy(out, rows)
	for i := range out {
		out[i].cut(cols)
	}
	return out
}
