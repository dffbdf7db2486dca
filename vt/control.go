package vt

// control does what a control character says.
func (s *Screen) control(c byte) {
	switch c {
	case 0x08:
		s.pending = false
		if s.x > 0 && s.x != s.left {
			s.x--
		}
	case 0x09:
		s.tab(1)
	case 0x0a, 0x0b, 0x0c:
		s.index()
		if s.modes.newline {
			s.carriageReturn()
		}
	case 0x0d:
		s.carriageReturn()
	case 0x0e:
		s.gl = 1
	case 0x0f:
		s.gl = 0
	}
}

func (s *Screen) carriageReturn() {
	s.pending = false
	if s.x >= s.left {
		s.x = s.left
	} else {
		s.x = 0
	}
}

// escape does ESC c.
func (s *Screen) escape(c byte) {
	switch c {
	case '7':
		s.save()
	case '8':
		s.restore()
	case 'D':
		s.index()
	case 'E':
		s.index()
		s.carriageReturn()
	case 'H':
		s.tabs[s.x] = true
	case 'M':
		s.reverseIndex()
	case '=':
		s.modes.keypad = true
	case '>':
		s.modes.keypad = false
	case 'n':
		s.gl = 2
	case 'o':
		s.gl = 3
	case 'c':
		s.reset()
	}
}

// escapeWith does ESC, intermediates, c.
func (s *Screen) escapeWith(inter []byte, c byte) {
	if len(inter) != 1 {
		return
	}
	switch i := inter[0]; i {
	case '(', ')', '*', '+':
		if c != '0' && c != 'A' {
			c = 'B'
		}
		s.g[i-'('] = c
	case '#':
		if c == '8' {
			s.align()
		}
	}
}

// align fills the screen with E, which terminals have done since 1978.
func (s *Screen) align() {
	s.wholeRegion()
	s.origin = false
	for y := range s.grid {
		r := row{}
		for x := range r.open(s.cols) {
			r.cells[x] = cell{r: 'E'}
		}
		s.grid[y] = r
	}
	s.moveTo(0, 0)
}

// sequence does a CSI sequence: kind is its intermediates and its last byte.
func (s *Screen) sequence(kind string, ps []param) {
	// num is parameter i, or def when it isn't given or 0.
	num := func(i, def int) int {
		if i < len(ps) && ps[i].n > 0 {
			return ps[i].n
		}
		return def
	}
	n := num(0, 1)
	switch kind {
	case "@":
		s.insertCells(n)
	case "A":
		s.up(n)
	case "B", "e":
		s.down(n)
	case "C", "a":
		s.pending = false
		s.x = min(s.x+n, s.rightEdge())
	case "D":
		s.pending = false
		s.x = max(s.x-n, s.leftEdge())
	case "E":
		s.down(n)
		s.carriageReturn()
	case "F":
		s.up(n)
		s.carriageReturn()
	case "G", "`":
		s.moveTo(n-1, s.originY())
	case "H", "f":
		s.moveTo(num(1, 1)-1, n-1)
	case "I":
		s.tab(n)
	case "J", "?J":
		s.eraseDisplay(num(0, 0))
	case "K", "?K":
		s.eraseLine(num(0, 0))
	case "L":
		s.insertLines(n)
	case "M":
		s.deleteLines(n)
	case "P":
		s.deleteCells(n)
	case "S":
		s.scroll(s.top, s.bottom, n)
	case "T":
		if len(ps) <= 1 {
			s.scroll(s.top, s.bottom, -n)
		}
	case "X":
		s.pending = false
		s.blank(s.y, s.x, min(s.x+n, s.cols))
	case "Z":
		s.pending = false
		for ; n > 0 && s.x > 0; n-- {
			for s.x--; s.x > 0 && !s.tabs[s.x]; s.x-- {
			}
		}
	case "b":
		s.repeat(n)
	case "d":
		s.moveTo(s.originX(), n-1)
	case "g":
		switch num(0, 0) {
		case 0:
			s.tabs[s.x] = false
		case 3:
			clear(s.tabs)
		}
	case "h", "l":
		for _, p := range ps {
			switch p.n {
			case 4:
				s.modes.insert = kind == "h"
			case 20:
				s.modes.newline = kind == "h"
			}
		}
	case "?h", "?l":
		for _, p := range ps {
			s.setDEC(p.n, kind == "?h")
		}
	case "m":
		s.sgr(ps)
	case "r":
		s.setRegion(n-1, num(1, s.rows)-1)
	case "s":
		if s.modes.on(margins) {
			s.setMargins(n-1, num(1, s.cols)-1)
		} else if len(ps) == 0 {
			s.save()
		}
	case "u":
		if len(ps) == 0 {
			s.restore()
		}
	case "!p":
		s.softReset()
	case " q":
		if v := num(0, 0); v <= 6 {
			s.modes.shape = v
		}
	case " @":
		s.shiftColumns(s.left, -n)
	case " A":
		s.shiftColumns(s.left, n)
	case "'}":
		s.shiftColumns(s.x, n)
	case "'~":
		s.shiftColumns(s.x, -n)
	case "$x":
		s.fillRectangle(num(0, 0), num(1, 1)-1, num(2, 1)-1, num(3, s.rows)-1, num(4, s.cols)-1)
	case "$z", "${":
		s.fillRectangle(0, num(0, 1)-1, num(1, 1)-1, num(2, s.rows)-1, num(3, s.cols)-1)
	case ">m":
		switch {
		case len(ps) == 0:
			s.modes.other = 0
		case ps[0].n == 4:
			s.modes.other = min(num(1, 0), 3)
		}
	case ">n":
		if num(0, 0) == 4 {
			s.modes.other = 0
		}
	case ">u", "<u", "=u":
		s.kittyKeys(kind[0], num(0, 0), num(1, 1), n)
	case "n", "?n", "c", ">c", "$p", "?$p":
		if s.Asked != nil {
			s.Asked(kind, num(0, 0))
		}
	}
}

// kittyKeys keeps the flags of kitty's keyboard protocol.
func (s *Screen) kittyKeys(op byte, flags, how, n int) {
	k := &s.modes.kitty[s.screen()]
	s.modes.kittied = true
	flags &= 31
	switch op {
	case '>':
		if len(*k) == 16 {
			*k = append((*k)[:0], (*k)[1:]...)
		}
		*k = append(*k, flags)
	case '<':
		*k = (*k)[:max(0, len(*k)-n)]
	case '=':
		if len(*k) == 0 {
			*k = append(*k, 0)
		}
		top := &(*k)[len(*k)-1]
		switch how {
		case 1:
			*top = flags
		case 2:
			*top |= flags
		case 3:
			*top &^= flags
		}
	}
}

func (s *Screen) softReset() {
	for _, n := range []int{1, 7, 25, margins} {
		if s.modes.on(n) != startsOn(n) {
			s.modes.set(n, startsOn(n))
		}
	}
	s.modes.insert, s.modes.keypad = false, false
	s.wholeRegion()
	x, y := s.x, s.y
	s.cursor = home
	s.x, s.y = x, y
	s.saved[s.screen()] = home
}

// sgr sets the pen.
func (s *Screen) sgr(ps []param) {
	p := &s.pen
	if len(ps) == 0 {
		*p = pen{}
	}
	for i := 0; i < len(ps); i++ {
		n := max(ps[i].n, 0)
		subs := 0
		for i+subs+1 < len(ps) && ps[i+subs+1].sub {
			subs++
		}
		switch {
		case n == 0:
			*p = pen{}
		case n == 1:
			p.attr |= bold
		case n == 2:
			p.attr |= faint
		case n == 3:
			p.attr |= italic
		case n == 4:
			style := 1
			if subs > 0 {
				style = min(max(ps[i+1].n, 0), 5)
			}
			p.attr = p.attr&^underline | attr(style)<<8
		case n == 5, n == 6:
			p.attr |= blink
		case n == 7:
			p.attr |= reverse
		case n == 8:
			p.attr |= conceal
		case n == 9:
			p.attr |= strike
		case n == 21:
			p.attr = p.attr&^underline | 2<<8
		case n == 22:
			p.attr &^= bold | faint
		case n == 23:
			p.attr &^= italic
		case n == 24:
			p.attr &^= underline
		case n == 25:
			p.attr &^= blink
		case n == 27:
			p.attr &^= reverse
		case n == 28:
			p.attr &^= conceal
		case n == 29:
			p.attr &^= strike
		case n == 53:
			p.attr |= overline
		case n == 55:
			p.attr &^= overline
		case n >= 30 && n <= 37:
			p.fg = indexed | color(n-30)
		case n >= 40 && n <= 47:
			p.bg = indexed | color(n-40)
		case n >= 90 && n <= 97:
			p.fg = indexed | color(n-90+8)
		case n >= 100 && n <= 107:
			p.bg = indexed | color(n-100+8)
		case n == 39:
			p.fg = 0
		case n == 49:
			p.bg = 0
		case n == 38, n == 48, n == 58:
			c, used, ok := extended(ps[i+1:], subs)
			if ok && n == 38 {
				p.fg = c
			}
			if ok && n == 48 {
				p.bg = c
			}
			i += used
			continue
		}
		i += subs
	}
}

// extended reads the rest of 38, 48 or 58: 5;N or 2;R;G;B, or the same with
// colons, where an empty colour space may come before R.
func extended(ps []param, subs int) (c color, used int, ok bool) {
	byteAt := func(i int) color { return color(min(max(ps[i].n, 0), 255)) }
	if subs > 0 {
		ps = ps[:subs]
		switch {
		case ps[0].n == 5 && subs >= 2:
			return indexed | byteAt(1), subs, true
		case ps[0].n == 2 && subs >= 5:
			return direct | byteAt(2)<<16 | byteAt(3)<<8 | byteAt(4), subs, true
		case ps[0].n == 2 && subs == 4:
			return direct | byteAt(1)<<16 | byteAt(2)<<8 | byteAt(3), subs, true
		}
		return 0, subs, false
	}
	switch {
	case len(ps) >= 2 && ps[0].n == 5:
		return indexed | byteAt(1), 2, true
	case len(ps) >= 4 && ps[0].n == 2:
		return direct | byteAt(1)<<16 | byteAt(2)<<8 | byteAt(3), 4, true
	}
	return 0, len(ps), false
}
