package main

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Modes that a terminal must be put back into when a client attaches again,
// because the program that set them does not know that anybody left.
var keptModes = []int{1, 6, 7, 25, 47, 1000, 1002, 1003, 1004, 1006, 1015, 1047, 1049, 2004}

// replay turns what a terminal printed into bytes that draw it anew on another
// one. Three things must not come through as they were: the pictures of
// full-screen programs (they draw themselves when told of the size), questions
// to the terminal (the answers would be typed into the shell), and a beginning
// that the ring has cut in the middle of a sequence.
func replay(past []byte, cut bool) []byte {
	if cut {
		if i := bytes.IndexByte(past, '\n'); i >= 0 {
			past = past[i+1:]
		}
	}
	modes := map[int]bool{}
	keypad := false
	out := make([]byte, 0, len(past)+64)
	alt := false
	for len(past) > 0 {
		tok, seq := token(past)
		past = past[len(tok):]
		if !seq {
			if !alt {
				out = append(out, tok...)
			}
			continue
		}
		if nums, set, ok := decMode(tok); ok {
			wasAlt := alt
			for _, n := range nums {
				modes[n] = set
				if n == 47 || n == 1047 || n == 1049 {
					alt = set
					if !set && !wasAlt {
						out = out[:0] // the ring begins inside a full-screen program
					}
				}
			}
			continue // all of them follow at the end, once
		}
		switch {
		case len(tok) == 2 && tok[1] == '=':
			keypad = true
		case len(tok) == 2 && tok[1] == '>':
			keypad = false
		case len(tok) == 2 && tok[1] == 'c': // full reset
			out, modes, keypad, alt = out[:0], map[int]bool{}, false, false
		case !alt && harmless(tok):
			out = append(out, tok...)
		}
	}
	head := []byte("\x1b[!p\x1b[?1049l\x1b[m\x1b[H\x1b[2J") // soft reset, main screen, cleared
	out = append(head, out...)
	for _, n := range keptModes {
		if set, known := modes[n]; known {
			out = append(out, "\x1b[?"+strconv.Itoa(n)...)
			out = append(out, map[bool]byte{true: 'h', false: 'l'}[set])
		}
	}
	if keypad {
		out = append(out, "\x1b="...)
	}
	return out
}

// token splits off the first control sequence or run of other bytes.
func token(b []byte) (tok []byte, seq bool) {
	if b[0] != 0x1b {
		if i := bytes.IndexByte(b, 0x1b); i > 0 {
			return b[:i], false
		}
		return b, false
	}
	if len(b) == 1 {
		return b, true
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return b[:i+1], true
			}
			if b[i] < 0x20 { // not a sequence after all
				return b[:i], true
			}
		}
		return b, true
	case ']', 'P', 'X', '^', '_': // strings, up to BEL or ST
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return b[:i+1], true
			}
			if b[i] == 0x1b {
				if i+1 < len(b) && b[i+1] == '\\' {
					return b[:i+2], true
				}
				return b[:i], true
			}
		}
		return b, true
	case '(', ')', '*', '+', '#', '%', ' ':
		return b[:min(3, len(b))], true
	}
	return b[:2], true
}

func decMode(tok []byte) (nums []int, set, ok bool) {
	s := string(tok)
	if !strings.HasPrefix(s, "\x1b[?") || len(s) < 5 {
		return nil, false, false
	}
	last := s[len(s)-1]
	if last != 'h' && last != 'l' {
		return nil, false, false
	}
	for part := range strings.SplitSeq(s[3:len(s)-1], ";") {
		if n, err := strconv.Atoi(part); err == nil && slices.Contains(keptModes, n) {
			nums = append(nums, n)
		}
	}
	return nums, last == 'h', true
}

// harmless says whether a sequence may be repeated to another terminal: those
// that move, colour and erase. Questions, titles, the clipboard, device
// strings and anything unknown are left out.
func harmless(tok []byte) bool {
	if len(tok) < 2 {
		return false
	}
	if tok[1] != '[' {
		return len(tok) == 3 && (tok[1] == '(' || tok[1] == ')') || len(tok) == 2 && strings.IndexByte("78DEHM", tok[1]) >= 0
	}
	if len(tok) < 3 {
		return false
	}
	if p := tok[2]; p == '?' || p == '>' || p == '=' || p == '<' {
		return false
	}
	for _, c := range tok[2 : len(tok)-1] {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return strings.IndexByte("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu", tok[len(tok)-1]) >= 0
}
