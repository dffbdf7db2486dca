package cast

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Pace is how fast a recording is played.
type Pace struct {
	Speed float64       // 2 is twice as fast; 0 is 1
	Idle  time.Duration // no pause is longer; 0 is no limit
}

// Play prints a recording's output, at its pace, through Filter, until it has
// ended or ctx does. The terminal is left as a program would.
func Play(ctx context.Context, r *Reader, w io.Writer, p Pace) error {
	if p.Speed <= 0 {
		p.Speed = 1
	}
	defer func() { _, _ = io.WriteString(w, leave) }()
	var f Filter
	last := time.Duration(0)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		pause := e.At - last
		last = e.At
		if p.Idle > 0 {
			pause = min(pause, p.Idle)
		}
		if pause = time.Duration(float64(pause) / p.Speed); pause > 0 {
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			}
		}
		if e.Kind != Output {
			continue
		}
		if _, err := w.Write(f.Filter([]byte(e.Data))); err != nil {
			return err
		}
	}
}

// leave ends what a recording may have begun.
const leave = "\x1b[!p\x1b[?1049l\x1b[m\x1b(B\x0f\x1b[?25h\r\n"

// A Filter lets through of a terminal's output what moves, colours and erases.
// Questions, titles, the clipboard, links, device strings, the modes of mouse
// and keyboard, and whatever it does not know are dropped.
type Filter struct{ held []byte }

// maxHeld bounds a sequence that has begun; longer ones are dropped.
const maxHeld = 4096

// Filter returns what of b, after what came before it, may be printed. A
// sequence that is not whole yet is kept for the next call.
func (f *Filter) Filter(b []byte) []byte {
	b = append(f.held, b...)
	f.held = nil
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		switch c := b[0]; {
		case c == 0x1b:
			n, whole := sequence(b)
			if !whole {
				if len(b) < maxHeld || isString(b) {
					f.held = b[:min(len(b), maxHeld):min(len(b), maxHeld)]
				}
				return out
			}
			if draws(b[:n]) {
				out = append(out, b[:n]...)
			}
			b = b[n:]
		case c < 0x20:
			if strings.IndexByte("\b\t\n\v\f\r\x0e\x0f", c) >= 0 {
				out = append(out, c)
			}
			b = b[1:]
		default:
			if !utf8.FullRune(b) {
				f.held = b
				return out
			}
			r, n := utf8.DecodeRune(b)
			if r != utf8.RuneError && (r < 0x7f || r > 0x9f) {
				out = append(out, b[:n]...)
			}
			b = b[n:]
		}
	}
	return out
}

func isString(b []byte) bool { return len(b) > 1 && strings.IndexByte("]PX^_", b[1]) >= 0 }

// sequence is how long the escape sequence at the start of b is, and whether
// all of it is there.
func sequence(b []byte) (n int, whole bool) {
	if len(b) < 2 {
		return 0, false
	}
	switch {
	case b[1] == '[':
		for i := 2; i < len(b); i++ {
			if b[i] < 0x20 || b[i] > 0x7e {
				return i, true // broken off
			}
			if b[i] >= 0x40 {
				return i + 1, true
			}
		}
		return 0, false
	case isString(b):
		for i := 2; i < len(b); i++ {
			switch {
			case b[i] == 0x07, b[i] == 0x18, b[i] == 0x1a:
				return i + 1, true
			case b[i] == 0x1b && i+1 == len(b):
				return 0, false
			case b[i] == 0x1b && b[i+1] == '\\':
				return i + 2, true
			case b[i] == 0x1b:
				return i, true
			}
		}
		return 0, false
	case b[1] >= 0x20 && b[1] <= 0x2f:
		for i := 2; i < len(b); i++ {
			if b[i] < 0x20 || b[i] > 0x2f {
				return i + 1, true
			}
		}
		return 0, false
	case b[1] < 0x20 || b[1] > 0x7e:
		return 1, true
	}
	return 2, true
}

// draws says whether a sequence may be printed.
func draws(s []byte) bool {
	switch {
	case len(s) == 2:
		return strings.IndexByte("78DEHMno", s[1]) >= 0
	case len(s) < 3:
		return false
	case s[1] != '[':
		return len(s) == 3 && strings.IndexByte("()*+", s[1]) >= 0 && (s[2] == 'B' || s[2] == '0' || s[2] == 'A') ||
			string(s) == "\x1b#8"
	case string(s) == "\x1b[!p":
		return true
	}
	params, last := string(s[2:len(s)-1]), s[len(s)-1]
	if private, ok := strings.CutPrefix(params, "?"); ok {
		if last != 'h' && last != 'l' {
			return false
		}
		for n := range strings.SplitSeq(private, ";") {
			switch n {
			case "6", "7", "25", "47", "1047", "1048", "1049", "2026":
			default:
				return false
			}
		}
		return true
	}
	if strings.Trim(params, "0123456789;:") != "" {
		return false
	}
	if last == 'h' || last == 'l' {
		return params == "4"
	}
	return strings.IndexByte("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu", last) >= 0
}
