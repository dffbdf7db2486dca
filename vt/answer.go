package vt

import "fmt"

// Answer is what a terminal says that is asked as in Asked; nothing for what
// it doesn't understand.
func (s *Screen) Answer(kind string, n int) string {
	switch kind {
	case "n":
		switch n {
		case 5:
			return "\x1b[0n"
		case 6:
			return fmt.Sprintf("\x1b[%d;%dR", s.originY()+1, s.originX()+1)
		}
	case "?n":
		if n == 6 {
			return fmt.Sprintf("\x1b[?%d;%dR", s.originY()+1, s.originX()+1)
		}
	case "c": // a VT220 with colours
		return "\x1b[?62;22c"
	case ">c": // an xterm that knows SGR's mouse
		return "\x1b[>41;354;0c"
	case "?$p":
		state := 0
		switch known := startsOn(n) || n == margins || kept(n); {
		case known && s.modes.on(n):
			state = 1
		case known:
			state = 2
		}
		return fmt.Sprintf("\x1b[?%d;%d$y", n, state)
	case "$p":
		return fmt.Sprintf("\x1b[%d;0$y", n)
	}
	return ""
}

// Mode reports whether a DEC private mode is on that Draw would set.
func (s *Screen) Mode(n int) bool { return s.modes.on(n) }

// Keypad reports whether the keypad sends its own sequences.
func (s *Screen) Keypad() bool { return s.modes.keypad }

// Keys are the levels of xterm's modifyOtherKeys and the flags of kitty's
// keyboard protocol that are in force; 0 for none.
func (s *Screen) Keys() (other, kitty int) {
	if k := s.modes.kitty[s.screen()]; len(k) > 0 {
		kitty = k[len(k)-1]
	}
	return max(s.modes.other, 0), kitty
}

// CursorShape is what DECSCUSR set, 0 for the terminal's own.
func (s *Screen) CursorShape() int { return max(s.modes.shape, 0) }
