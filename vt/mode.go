package vt

import "slices"

// modes are what a program has switched on and off.
type modes struct {
	dec     map[int]bool // those of keptModes that were ever set
	nowrap  bool         // what dec says of 7, which every character asks
	insert  bool         // ANSI 4
	newline bool         // ANSI 20
	keypad  bool         // DECKPAM
	shape   int          // DECSCUSR; -1 when it was never set
	other   int          // modifyOtherKeys; -1 when it was never set
	kitty   [2][]int     // flags of kitty's keyboard protocol, a stack for each screen
	kittied bool         // it was ever used
}

// keptModes are the DEC private modes that a terminal is put back into, in the
// order in which Draw sets them. Those that move the cursor or decide what a
// screen is are not among them. One that no program has touched is left as the
// terminal's owner wants it.
var keptModes = []int{1, 5, 7, 25, 45, 9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1007, 2004}

func kept(mode int) bool { return slices.Contains(keptModes, mode) }

// margins is DECLRMM, which Draw sets with the region.
const margins = 69

// startsOn says how a mode begins.
func startsOn(mode int) bool { return mode == 7 || mode == 25 || mode == 1007 }

func (m *modes) on(mode int) bool {
	if on, ok := m.dec[mode]; ok {
		return on
	}
	return startsOn(mode)
}

// reset is all modes as they begin. That they were ever set is remembered.
func (m *modes) reset() {
	was := *m
	*m = modes{dec: was.dec, shape: min(was.shape, 0), other: min(was.other, 0), kittied: was.kittied}
	if m.dec == nil {
		m.dec, m.shape, m.other = map[int]bool{}, -1, -1
	}
	for n := range m.dec {
		m.dec[n] = startsOn(n)
	}
}

func (m *modes) set(mode int, on bool) {
	m.dec[mode] = on
	if mode == 7 {
		m.nowrap = !on
	}
}

// mouse are the modes of which one replaces the other.
var mouse = [][]int{{9, 1000, 1002, 1003}, {1005, 1006, 1015, 1016}}

func (s *Screen) setDEC(n int, on bool) {
	switch n {
	case 6:
		s.origin = on
		s.moveTo(0, 0)
		return
	case 47, 1047, 1049:
		s.switchTo(n, on)
		return
	case 1048:
		if on {
			s.save()
		} else {
			s.restore()
		}
		return
	case 66:
		s.modes.keypad = on
		return
	case margins:
		s.left, s.right = 0, s.cols-1
	case 7:
		s.pending = s.pending && on
	}
	if n != margins && !kept(n) {
		return
	}
	for _, group := range mouse {
		for _, m := range group {
			if m == n {
				for _, m := range group {
					if s.modes.on(m) {
						s.modes.dec[m] = false
					}
				}
			}
		}
	}
	s.modes.set(n, on)
}

func (s *Screen) screen() int {
	if s.onAlt {
		return 1
	}
	return 0
}

// switchTo shows the alternate screen or the main one. What the alternate one
// held is forgotten when it is left.
func (s *Screen) switchTo(mode int, alt bool) {
	if alt == s.onAlt {
		if mode == 1049 && !alt {
			s.restore()
		}
		return
	}
	s.last = 0
	if alt {
		if mode == 1049 {
			s.save()
		}
		s.alt = make([]row, s.rows)
		if mode == 1049 {
			s.fill(s.alt)
		}
		s.grid, s.onAlt = s.alt, true
		return
	}
	s.alt, s.saved[1], s.modes.kitty[1] = nil, home, nil
	s.grid, s.onAlt = s.main, false
	if mode == 1049 {
		s.restore()
	}
}

// fill gives blank rows the background of the pen.
func (s *Screen) fill(rows []row) {
	if s.pen.bg == 0 {
		return
	}
	for y := range rows {
		rows[y] = s.blankRow()
	}
}

// save keeps the cursor. A wrap that is pending at a margin is let go.
func (s *Screen) save() {
	c := s.cursor
	c.pending = c.pending && c.x == s.cols-1
	s.saved[s.screen()] = c
}

func (s *Screen) restore() {
	s.cursor = s.saved[s.screen()]
	s.x, s.y = min(s.x, s.cols-1), min(s.y, s.rows-1)
	s.pending = s.pending && !s.modes.nowrap
	if s.origin {
		x, y := min(max(s.x, s.left), s.right), min(max(s.y, s.top), s.bottom)
		s.pending = s.pending && x == s.x && y == s.y
		s.x, s.y = x, y
	}
}
