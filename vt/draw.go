package vt

import (
	"strconv"
	"unicode/utf8"
)

// Draw returns what puts a terminal of the same size, in whatever state it is,
// into the state of s: the lines that have left the screen first when history
// is set, then the screens, the modes and the cursor. Call it when Whole.
func (s *Screen) Draw(history bool) []byte {
	// Out of every mode that would bend what follows, on the main screen.
	b := []byte("\x1b[!p\x1b[?1049l\x1b[?69l\x1b[r\x1b[?7h\x1b[4l\x1b[20l\x1b[?25l" + plain + "\x1b[H\x1b[J")
	lines := []line(nil)
	if history {
		lines = s.history.all()
	}
	b = s.drawFlowing(b, lines)
	if s.onAlt {
		// Entering the alternate screen saves the main one's cursor.
		b = s.drawKitty(b, s.modes.kitty[0])
		b = drawCursor(b, s.saved[0], s.main, 0, 0)
		b = append(b, "\x1b[?1049h"+plain+"\x1b[H\x1b[J"...)
		for y := range s.grid {
			b = at(b, 0, y)
			b = drawRow(b, s.grid[y], s.cols, s.cols, false)
		}
	}
	b = s.drawKitty(b, s.modes.kitty[s.screen()])
	return s.drawModes(b)
}

// plain leaves origin mode, other character sets and attributes.
const plain = "\x1b[?6l\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[m"

// drawFlowing draws the main screen after the lines above it, each line on the
// next, so that a terminal keeps those above as its own history. A line that
// was wrapped is let wrap, so that it can still be copied as one: by a blank,
// because the background of what wraps would fill the new line.
func (s *Screen) drawFlowing(b []byte, above []line) []byte {
	lines := append([]line(nil), above...)
	for y, r := range s.main {
		wrapped := r.wrapped && y+1 < len(s.main)
		lines = append(lines, line{drawRow(nil, r, s.cols, s.cols, wrapped), wrapped})
	}
	for i, l := range lines {
		b = append(b, l.text...)
		switch {
		case i+1 == len(lines):
		case l.wrapped:
			b = append(b, " \r"...)
		default:
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// drawModes sets tab stops, cursors, regions and modes.
func (s *Screen) drawModes(b []byte) []byte {
	b = append(b, "\x1b[3g"...)
	for x, set := range s.tabs {
		if set {
			b = at(b, x, 0)
			b = append(b, "\x1bH"...)
		}
	}
	b = drawCursor(b, s.saved[s.screen()], s.grid, 0, 0) // before there is a region
	b = append(b, "\x1b7"+plain...)
	b = csiNums(b, "", 'r', s.top+1, s.bottom+1)
	if s.modes.on(margins) {
		b = csiNums(b, "?", 'h', margins)
		b = csiNums(b, "", 's', s.left+1, s.right+1)
	}
	b = drawCursor(b, s.cursor, s.grid, s.left, s.top)
	// First those that are off: the end of one mouse mode is the end of all.
	for _, on := range []bool{false, true} {
		for _, n := range keptModes {
			if v, touched := s.modes.dec[n]; touched && v == on {
				b = csiNums(b, "?", setOrNot(on), n)
			}
		}
	}
	if s.modes.on(25) {
		b = append(b, "\x1b[?25h"...)
	}
	b = csiNums(b, "", setOrNot(s.modes.insert), 4)
	b = csiNums(b, "", setOrNot(s.modes.newline), 20)
	if s.modes.keypad {
		b = append(b, "\x1b="...)
	} else {
		b = append(b, "\x1b>"...)
	}
	if s.modes.shape >= 0 {
		b = append(strconv.AppendInt(append(b, "\x1b["...), int64(s.modes.shape), 10), " q"...)
	}
	if s.modes.other >= 0 {
		b = csiNums(b, ">", 'm', 4, s.modes.other)
	}
	return b
}

func setOrNot(on bool) byte {
	if on {
		return 'h'
	}
	return 'l'
}

func (s *Screen) drawKitty(b []byte, flags []int) []byte {
	if !s.modes.kittied {
		return b
	}
	b = csiNums(b, "<", 'u', 16)
	for _, f := range flags {
		b = csiNums(b, ">", 'u', f)
	}
	return b
}

// drawCursor moves the cursor and sets the pen and the character sets. Origin
// mode counts from left and top. A wrap that is pending is made by printing the
// character that is there once more.
func drawCursor(b []byte, c cursor, grid []row, left, top int) []byte {
	if c.origin {
		b = append(b, "\x1b[?6h"...)
	} else {
		left, top = 0, 0
	}
	x := c.x
	if c.pending && grid[c.y].at(x).right {
		x--
	}
	b = at(b, x-left, c.y-top)
	if c.pending {
		b = drawCells(b, grid[c.y], x, c.x+1)
	}
	b = drawPen(b, c.pen)
	for i, set := range c.g {
		b = append(b, 0x1b, "()*+"[i], set)
	}
	return append(b, []string{"\x0f", "\x0e", "\x1bn", "\x1bo"}[c.gl]...)
}

// DrawRow returns row y for up to cols columns, from wherever the cursor is.
// It begins and ends with the default attributes.
func (s *Screen) DrawRow(b []byte, y, cols int) []byte {
	return drawRow(b, s.grid[y], s.cols, cols, false)
}

// DrawLine returns the line that the cursor is on, from its beginning, and
// what moves the cursor to where it is on it, with its attributes.
func (s *Screen) DrawLine() []byte {
	first := s.y
	for first > 0 && s.grid[first-1].wrapped {
		first--
	}
	var b []byte
	for y := first; y <= s.y; y++ {
		wrapped := y < s.y
		b = drawRow(b, s.grid[y], s.cols, s.cols, wrapped)
		if wrapped {
			b = append(b, ' ')
		}
		b = append(b, '\r')
	}
	if s.x > 0 {
		b = csiNums(b, "", 'C', s.x)
	}
	return drawPen(b, s.pen)
}

func at(b []byte, x, y int) []byte { return csiNums(b, "", 'H', y+1, x+1) }

func csiNums(b []byte, prefix string, final byte, nums ...int) []byte {
	b = append(b, 0x1b, '[')
	b = append(b, prefix...)
	for i, n := range nums {
		if i > 0 {
			b = append(b, ';')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, final)
}

// drawRow draws a row from its left, up to the last cell that was printed,
// or to its end when whole is set. It begins and ends with the default pen.
func drawRow(b []byte, r row, cols, limit int, whole bool) []byte {
	end := min(len(r.cells), limit)
	if !whole {
		for end > 0 && !shows(r.cells[end-1]) && r.marks[end-1] == "" {
			end--
		}
	}
	b = drawCells(b, r, 0, end)
	if whole {
		for ; end < min(cols, limit); end++ {
			b = append(b, ' ')
		}
	}
	return b
}

// shows says whether a cell is not as it is on an empty screen, whether or not
// one can see it: an emulator may, and copies blanks that were printed.
func shows(c cell) bool { return c != cell{} }

func drawCells(b []byte, r row, from, to int) []byte {
	now := pen{}
	for x := from; x < to; x++ {
		c := r.at(x)
		if c.right {
			continue
		}
		if c.wide && x+1 >= to {
			c.r = 0 // half of it is out of sight
		}
		if c.pen != now {
			b = drawPen(b, c.pen)
			now = c.pen
		}
		if c.r == 0 {
			b = append(b, ' ')
		} else {
			b = utf8.AppendRune(b, c.r)
		}
		if r.marks != nil {
			b = append(b, r.marks[x]...)
		}
	}
	if now != (pen{}) {
		b = append(b, "\x1b[m"...)
	}
	return b
}

// drawPen sets all of the pen.
func drawPen(b []byte, p pen) []byte {
	b = append(b, "\x1b[0"...)
	for i, n := range []string{"1", "2", "3", "5", "7", "8", "9", "53"} {
		if p.attr&(1<<i) != 0 {
			b = append(append(b, ';'), n...)
		}
	}
	switch st := p.attr.style(); st {
	case 0:
	case 1:
		b = append(b, ";4"...)
	case 2:
		b = append(b, ";21"...)
	default:
		b = append(append(b, ";4:"...), byte('0'+st))
	}
	b = drawColor(b, p.fg, 30)
	b = drawColor(b, p.bg, 40)
	return append(b, 'm')
}

// drawColor adds a colour; base is 30 for the foreground, 40 for the other.
func drawColor(b []byte, c color, base int64) []byte {
	num := func(nums ...int64) {
		for _, n := range nums {
			b = strconv.AppendInt(append(b, ';'), n, 10)
		}
	}
	v := int64(c & 0xffffff)
	switch {
	case c&direct != 0:
		num(base+8, 2, v>>16, v>>8&255, v&255)
	case c&indexed == 0:
	case v < 8:
		num(base + v)
	case v < 16:
		num(base + 60 + v - 8)
	default:
		num(base+8, 5, v)
	}
	return b
}
