package vt

import "unicode/utf8"

// States of the parser, after the diagram of Williams and xterm.
const (
	ground = iota
	escape
	escapeInter
	csi
	csiIgnore
	text   // an operating system command, a device string: up to its terminator
	textST // the escape that may end one
	utf    // within a character of several bytes
)

const (
	maxParams = 32
	maxInter  = 4
)

// A parser holds the sequence that is being read.
type parser struct {
	state  int
	inter  []byte // intermediates, a leading one of <=>? first
	params []param
	digits bool    // the last of params has been begun
	rune   [4]byte // of a character in pieces
	runeN  int
	bel    bool // a BEL ends the string too
}

// A param is a number, or -1 where none was given; sub says that it was set
// off by a colon, as a part of the one before it.
type param struct {
	n   int
	sub bool
}

func (p *parser) clear() {
	p.inter, p.params, p.digits = p.inter[:0], p.params[:0], false
}

// Whole says that no sequence or character is begun and not ended: a terminal
// that takes over from here misses nothing.
func (s *Screen) Whole() bool { return s.parser.state == ground }

// Write takes what a program printed. It returns how many of the bytes came
// before a sequence or a character that is not whole yet.
func (s *Screen) Write(b []byte) (whole int) {
	for i := 0; i < len(b); {
		if s.parser.state == ground {
			whole = i
			if n := s.plain(b[i:]); n > 0 {
				i += n
				whole = i
				continue
			}
		}
		s.feed(b[i])
		i++
		if s.parser.state == ground {
			whole = i
		}
	}
	return whole
}

// plain prints a run of ASCII: the same as put, for most of what is printed.
func (s *Screen) plain(b []byte) (n int) {
	for n < len(b) && b[n] >= 0x20 && b[n] < 0x7f {
		room := s.right - s.x // the last column is put's
		if room <= 0 || s.modes.insert || s.g[s.gl] != 'B' {
			s.put(rune(b[n]))
			n++
			continue
		}
		r := &s.grid[s.y]
		cells := r.open(s.cols)
		for ; room > 0 && n < len(b) && b[n] >= 0x20 && b[n] < 0x7f; room-- {
			c := cell{r: rune(b[n]), pen: s.pen}
			if old := &cells[s.x]; old.wide || old.right || r.marks != nil {
				r.set(s.x, c)
			} else {
				*old = c
			}
			s.last = c.r
			s.x++
			n++
		}
	}
	return n
}

func (s *Screen) feed(c byte) {
	p := &s.parser
	switch p.state {
	case text, textST:
		s.feedText(c)
		return
	case utf:
		if c&0xc0 == 0x80 {
			p.rune[p.runeN] = c
			p.runeN++
			if utf8.FullRune(p.rune[:p.runeN]) {
				p.state = ground
				r, _ := utf8.DecodeRune(p.rune[:p.runeN])
				s.put(r)
			}
			return
		}
		p.state = ground
		s.put(utf8.RuneError)
	}
	switch {
	case c == 0x1b:
		p.clear()
		p.state = escape
		return
	case c == 0x18, c == 0x1a: // cancel
		p.state = ground
		return
	case c < 0x20:
		s.control(c) // even within a sequence
		return
	}
	switch p.state {
	case ground:
		switch {
		case c < 0x7f:
			s.put(rune(c))
		case c == 0x7f:
		case c >= 0xc2 && c <= 0xf4:
			p.rune[0], p.runeN, p.state = c, 1, utf
		default:
			s.put(utf8.RuneError)
		}
	case escape, escapeInter:
		s.feedEscape(c)
	case csi:
		s.feedCSI(c)
	case csiIgnore:
		if c >= 0x40 && c <= 0x7e {
			p.state = ground
		}
	}
}

func (s *Screen) feedEscape(c byte) {
	p := &s.parser
	switch {
	case c <= 0x2f:
		if len(p.inter) < maxInter {
			p.inter = append(p.inter, c)
		}
		p.state = escapeInter
	case c >= 0x7f:
		if c != 0x7f {
			p.state = ground
		}
	case p.state == escapeInter:
		p.state = ground
		s.escapeWith(p.inter, c)
	case c == '[':
		p.state = csi
	case c == ']':
		p.state, p.bel = text, true
	case c == 'P', c == 'X', c == '^', c == '_':
		p.state, p.bel = text, false
	default:
		p.state = ground
		s.escape(c)
	}
}

// feedText passes over a string: nothing in one belongs to the model.
func (s *Screen) feedText(c byte) {
	p := &s.parser
	switch {
	case p.state == textST && c != '\\': // an escape cancels, and begins anew
		p.clear()
		p.state = escape
		s.feed(c)
	case p.state == textST, c == 0x07 && p.bel, c == 0x18, c == 0x1a:
		p.state = ground
	case c == 0x1b:
		p.state = textST
	}
}

func (s *Screen) feedCSI(c byte) {
	p := &s.parser
	switch {
	case c >= '0' && c <= '9':
		if len(p.inter) > 0 && p.inter[len(p.inter)-1] < '0' {
			p.state = csiIgnore // a number after an intermediate
			return
		}
		if !p.digits {
			p.push(-1, false)
		}
		if v := &p.params[len(p.params)-1]; v.n < 0 {
			v.n = int(c - '0')
		} else {
			v.n = min(v.n*10+int(c-'0'), 99999)
		}
	case c == ';', c == ':':
		if !p.digits {
			p.push(-1, false)
		}
		p.push(-1, c == ':')
	case c >= '<' && c <= '?':
		if p.digits || len(p.inter) > 0 {
			p.state = csiIgnore
			return
		}
		p.inter = append(p.inter, c)
	case c <= 0x2f:
		if len(p.inter) == maxInter {
			p.state = csiIgnore
			return
		}
		p.inter = append(p.inter, c)
	case c >= 0x40 && c <= 0x7e:
		p.state = ground
		s.sequence(string(p.inter)+string(c), p.params)
	case c == 0x7f:
	default:
		p.state = ground
	}
}

// push begins a parameter; those that are too many go into the last.
func (p *parser) push(n int, sub bool) {
	p.digits = true
	if len(p.params) < maxParams {
		p.params = append(p.params, param{n, sub})
	}
}
