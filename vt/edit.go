package vt

// put prints one character at the cursor.
func (s *Screen) put(r rune) {
	if r < 0x80 {
		r = s.translate(r)
	}
	w := width(r)
	if w <= 0 {
		s.combine(r)
		return
	}
	right := s.cols - 1
	if s.x <= s.right { // left of the right margin or at it
		right = s.right
	}
	if s.pending || w == 2 && s.x == right && right > s.leftStart() {
		if !s.modes.nowrap {
			s.grid[s.y].wrapped = right == s.cols-1
			s.x = s.leftStart()
			s.index()
		} else if w == 2 {
			s.x = max(s.x-1, 0)
		}
		s.pending = false
	}
	if w == 2 && s.x+1 > right {
		return // one column has no room for it
	}
	row := &s.grid[s.y]
	row.open(s.cols)
	if s.modes.insert {
		row.shift(s.x, right, w, s.empty())
	}
	if w == 2 {
		row.set(s.x+1, cell{})
	}
	row.set(s.x, cell{r: r, pen: s.pen, wide: w == 2})
	if w == 2 {
		row.cells[s.x+1] = cell{pen: s.pen, right: true}
	}
	s.last = r
	if s.x+w > right {
		s.x = right
		s.pending = !s.modes.nowrap
		return
	}
	s.x += w
}

// leftStart is where a line that wraps goes on.
func (s *Screen) leftStart() int {
	if s.x >= s.left {
		return s.left
	}
	return 0
}

// combine adds a character without a width to the one before the cursor.
func (s *Screen) combine(r rune) {
	if r < 0xa0 {
		return
	}
	x := s.x
	if !s.pending {
		x--
	}
	row := &s.grid[s.y]
	if x < 0 {
		return
	}
	row.open(s.cols)
	if row.cells[x].right {
		x--
	}
	if x < 0 {
		return
	}
	if row.cells[x].r == 0 {
		row.cells[x].r = ' '
	}
	row.mark(x, r)
}

// translate maps a character by the set in use.
func (s *Screen) translate(r rune) rune {
	switch set := s.g[s.gl]; {
	case set == '0' && r >= 0x5f && r <= 0x7e:
		return []rune(" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")[r-0x5f]
	case set == 'A' && r == '#':
		return '£'
	}
	return r
}

func (s *Screen) repeat(n int) {
	if s.last == 0 {
		return
	}
	r := s.last
	g := s.g
	s.g = home.g // it was translated when it was printed
	for range min(n, s.cols*s.rows) {
		s.put(r)
	}
	s.g = g
}

// empty is a cell as erasing leaves it: in the background of the pen.
func (s *Screen) empty() cell { return cell{pen: pen{bg: s.pen.bg}} }

func (s *Screen) blankRow() row {
	if s.pen.bg == 0 {
		return row{}
	}
	r := row{}
	for x := range r.open(s.cols) {
		r.cells[x] = s.empty()
	}
	return r
}

// blanked is blankRow in r's memory.
func (s *Screen) blanked(r row) row {
	if r.cells == nil || s.pen.bg != 0 {
		return s.blankRow()
	}
	clear(r.cells)
	return row{cells: r.cells}
}

// blank erases columns [from, to) of a row.
func (s *Screen) blank(y, from, to int) {
	r := &s.grid[y]
	if to == s.cols {
		r.wrapped = false
	}
	if from == 0 && to == s.cols {
		*r = s.blankRow()
		return
	}
	if r.cells == nil && s.pen.bg == 0 {
		return
	}
	r.open(s.cols)
	for x := from; x < to; x++ {
		r.set(x, s.empty())
	}
}

func (s *Screen) eraseLine(how int) {
	s.pending = false
	switch how {
	case 0:
		s.blank(s.y, s.x, s.cols)
	case 1:
		s.blank(s.y, 0, s.x+1)
	case 2:
		s.blank(s.y, 0, s.cols)
	}
}

func (s *Screen) eraseDisplay(how int) {
	s.pending = false
	switch how {
	case 0:
		s.blank(s.y, s.x, s.cols)
		for y := s.y + 1; y < s.rows; y++ {
			s.blank(y, 0, s.cols)
		}
	case 1:
		for y := range s.y {
			s.blank(y, 0, s.cols)
		}
		s.blank(s.y, 0, s.x+1)
	case 2:
		for y := range s.rows {
			s.blank(y, 0, s.cols)
		}
	case 3:
		s.history.clear()
	}
}

// index moves down a line, and scrolls at the bottom of the region.
func (s *Screen) index() {
	s.pending = false
	switch {
	case s.y == s.bottom:
		if s.x >= s.left && s.x <= s.right {
			s.scroll(s.top, s.bottom, 1)
		}
	case s.y < s.rows-1:
		s.y++
	}
}

func (s *Screen) reverseIndex() {
	s.pending = false
	switch {
	case s.y == s.top:
		if s.x >= s.left && s.x <= s.right {
			s.scroll(s.top, s.bottom, -1)
		}
	case s.y > 0:
		s.y--
	}
}

// scroll moves the lines of a region up by n, or down by -n. What leaves the
// main screen at its top goes to the history.
func (s *Screen) scroll(top, bottom, n int) {
	height := bottom - top + 1
	n = min(max(n, -height), height)
	if s.left > 0 || s.right < s.cols-1 {
		s.scrollColumns(top, bottom, n)
		return
	}
	if n > 0 {
		if !s.onAlt && top == 0 {
			for y := range n {
				s.history.add(s.grid[y], s.cols)
			}
		}
		for range n { // the rows that leave come in again, blank
			gone := s.grid[top]
			copy(s.grid[top:], s.grid[top+1:bottom+1])
			s.grid[bottom] = s.blanked(gone)
		}
	} else {
		copy(s.grid[top-n:bottom+1], s.grid[top:])
		for y := top; y < top-n; y++ {
			s.grid[y] = s.blankRow()
		}
		if bottom >= 0 {
			s.grid[bottom].wrapped = false
		}
	}
	if top > 0 {
		s.grid[top-1].wrapped = false
	}
}

// scrollColumns is scroll between margins at the left and right.
func (s *Screen) scrollColumns(top, bottom, n int) {
	step, from, to := 1, top, bottom
	if n < 0 {
		step, from, to = -1, bottom, top
	}
	for y := from; y != to+step; y += step {
		dst := &s.grid[y]
		dst.open(s.cols)
		dst.wrapped = false
		var src *row
		if o := y + n; o >= top && o <= bottom {
			src = &s.grid[o]
			src.open(s.cols)
		}
		for x := s.left; x <= s.right; x++ {
			if src == nil {
				dst.set(x, s.empty())
				continue
			}
			c := src.cells[x]
			dst.unmark(x)
			dst.cells[x] = c
			if m, ok := src.marks[x]; ok {
				if dst.marks == nil {
					dst.marks = map[int]string{}
				}
				dst.marks[x] = m
			}
		}
		dst.mend(s.left)
		dst.mend(s.right + 1)
	}
}

// inRegion says whether lines and columns can be inserted at the cursor.
func (s *Screen) inRegion() bool {
	return s.y >= s.top && s.y <= s.bottom && s.x >= s.left && s.x <= s.right
}

func (s *Screen) insertLines(n int) {
	if s.inRegion() {
		s.scroll(s.y, s.bottom, -n)
		s.x, s.pending = s.left, false
	}
}

func (s *Screen) deleteLines(n int) {
	if !s.inRegion() {
		return
	}
	if s.y == 0 && !s.onAlt { // deleted lines are not history
		alt := s.onAlt
		s.onAlt = true
		s.scroll(s.y, s.bottom, n)
		s.onAlt = alt
	} else {
		s.scroll(s.y, s.bottom, n)
	}
	s.x, s.pending = s.left, false
}

func (s *Screen) insertCells(n int) { s.shiftRow(s.y, s.x, n) }
func (s *Screen) deleteCells(n int) { s.shiftRow(s.y, s.x, -n) }

func (s *Screen) shiftRow(y, x, n int) {
	s.pending = false
	if x < s.left || x > s.right {
		return
	}
	width := s.right - x + 1
	n = min(max(n, -width), width)
	r := &s.grid[y]
	r.open(s.cols)
	r.shift(x, s.right, n, s.empty())
	r.wrapped = false
}

// shiftColumns moves the columns from x on, in all lines of the region.
func (s *Screen) shiftColumns(x, n int) {
	if !s.inRegion() {
		return
	}
	for y := s.top; y <= s.bottom; y++ {
		s.shiftRow(y, x, n)
	}
}

// fillRectangle fills an area with a character, or erases it for 0.
func (s *Screen) fillRectangle(r, top, left, bottom, right int) {
	if s.origin {
		top, bottom, left, right = top+s.top, bottom+s.top, left+s.left, right+s.left
	}
	if r != 0 && (r < 0x20 || r > 0x7e) {
		return
	}
	for y := top; y <= min(bottom, s.rows-1); y++ {
		row := &s.grid[y]
		row.open(s.cols)
		for x := left; x <= min(right, s.cols-1); x++ {
			if r == 0 {
				row.set(x, s.empty())
			} else {
				row.set(x, cell{r: s.translate(rune(r)), pen: s.pen})
			}
		}
	}
}

func (s *Screen) tab(n int) {
	edge := s.cols - 1
	if s.x <= s.right {
		edge = s.right
	}
	for ; n > 0 && s.x < edge; n-- {
		s.pending = false
		for s.x++; s.x < edge && !s.tabs[s.x]; s.x++ {
		}
	}
}

func (s *Screen) up(n int) {
	s.pending = false
	edge := 0
	if s.y >= s.top {
		edge = s.top
	}
	s.y = max(s.y-n, edge)
}

func (s *Screen) down(n int) {
	s.pending = false
	edge := s.rows - 1
	if s.y <= s.bottom {
		edge = s.bottom
	}
	s.y = min(s.y+n, edge)
}

func (s *Screen) rightEdge() int {
	if s.x <= s.right {
		return s.right
	}
	return s.cols - 1
}

func (s *Screen) leftEdge() int {
	if s.x >= s.left {
		return s.left
	}
	return 0
}

// originX and originY are the cursor's place as a program counts it.
func (s *Screen) originX() int {
	if s.origin {
		return s.x - s.left
	}
	return s.x
}

func (s *Screen) originY() int {
	if s.origin {
		return s.y - s.top
	}
	return s.y
}

// moveTo moves the cursor, to a place in the region when it is the origin.
func (s *Screen) moveTo(x, y int) {
	s.pending = false
	if s.origin {
		s.x = min(max(x+s.left, s.left), s.right)
		s.y = min(max(y+s.top, s.top), s.bottom)
		return
	}
	s.x, s.y = min(max(x, 0), s.cols-1), min(max(y, 0), s.rows-1)
}

func (s *Screen) setRegion(top, bottom int) {
	bottom = min(bottom, s.rows-1)
	if top >= bottom {
		return
	}
	s.top, s.bottom = top, bottom
	s.moveTo(0, 0)
}

func (s *Screen) setMargins(left, right int) {
	right = min(right, s.cols-1)
	if left >= right {
		return
	}
	s.left, s.right = left, right
	s.moveTo(0, 0)
}
