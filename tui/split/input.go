package split

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// input is what is known of what is being typed.
type input struct {
	pending bool   // the prefix was the last key
	pasting bool   // within a bracketed paste: nothing in it is a command
	telling bool   // within something that the terminal says of itself, too long to be held
	held    []byte // the beginning of a sequence
}

const (
	pasteOn  = "\x1b[200~"
	pasteOff = "\x1b[201~"
	maxHeld  = 64
)

// read takes what is typed until there is no more.
func (d *desk) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := d.t.In.Read(buf)
		if n > 0 {
			d.mu.Lock()
			d.press(buf[:n])
			d.mu.Unlock()
		}
		if err != nil || d.ctx.Err() != nil {
			return
		}
	}
}

// press sorts keys: for the shell, for a question that is open, or after the
// prefix for us.
func (d *desk) press(p []byte) {
	if len(d.input.held) > 0 {
		p = append(d.input.held, p...)
		d.input.held = nil
	}
	for len(p) > 0 {
		n := d.key1(p)
		if n == 0 { // the rest of it comes
			d.input.held = bytes.Clone(p)
			return
		}
		p = p[n:]
	}
}

// key1 takes one key, or a run of plain ones, and returns how long it was; 0
// when p is only its beginning.
func (d *desk) key1(p []byte) int {
	if d.input.pasting {
		return d.pasted(p)
	}
	if d.input.telling {
		return d.untilSaid(p)
	}
	if p[0] == 0x1b && len(p) > 1 {
		return d.sequence(p)
	}
	switch {
	case d.isPrefix(p[:1]) && d.ask == nil:
		d.prefixed()
		return 1
	case d.ours():
		return d.commandKey(p)
	case d.scrolling != nothing && d.scrollKey(plainKey(p)):
		return 1
	}
	d.scrollEnd()
	n := 1
	for n < len(p) && p[n] != d.prefix && p[n] != 0x1b {
		n++
	}
	d.goesOn(p[:n])
	d.typeKeys(p[:n])
	return n
}

// command reports whether the next key is ours.
func (d *desk) command() bool { return d.ours() || d.scrolling != nothing }

// ours is command, but for the keys that scroll.
func (d *desk) ours() bool { return d.input.pending || d.ask != nil || d.help || d.view == onlyText }

func (d *desk) isPrefix(key []byte) bool {
	return len(key) == 1 && key[0] == d.prefix
}

// prefixed begins a command, or types the prefix when it comes twice.
func (d *desk) prefixed() {
	d.said = ""
	if d.input.pending {
		d.input.pending = false
		d.typeKeys([]byte{d.prefix})
	} else {
		d.input.pending = true
	}
	d.changed()
}

// pasted hands on what is pasted, up to its end.
func (d *desk) pasted(p []byte) int {
	n := bytes.Index(p, []byte(pasteOff))
	end := n >= 0
	if end {
		n += len(pasteOff)
	} else {
		n = len(p) - unfinished(p, pasteOff)
	}
	if d.ask != nil {
		d.ask.paste(strings.TrimSuffix(string(p[:n]), pasteOff))
		d.changed()
	} else if !d.help && d.view != onlyText {
		d.scrollEnd()
		d.goesOn(nil)
		d.typeKeys(p[:n])
	}
	d.input.pasting = !end
	return n
}

// unfinished is how much of the end of p may be the beginning of mark.
func unfinished(p []byte, mark string) int {
	for n := min(len(p), len(mark)-1); n > 0; n-- {
		if strings.HasPrefix(mark, string(p[len(p)-n:])) {
			return n
		}
	}
	return 0
}

// sequence takes an escape sequence that a terminal sent.
func (d *desk) sequence(p []byte) int {
	n := length(p)
	if n == 0 {
		if len(p) < maxHeld {
			return 0
		}
		n = len(p)
		d.input.telling = p[1] == ']'
	}
	seq := string(p[:n])
	switch {
	case seq == pasteOn:
		d.input.pasting = true
		if d.ask == nil && !d.help && d.view != onlyText {
			d.typeKeys(p[:n])
		}
	case strings.HasPrefix(seq, "\x1b[<"):
		d.mouse(seq)
	case n > 2 && seq[1] == ']':
		d.hears(seq)
	case d.kittyPrefix(seq):
		if d.ask == nil {
			d.prefixed()
		}
	case d.ours():
		if key, ok := namedKeys[seq]; ok {
			d.do(key)
		}
	case d.scrolling != nothing && d.scrollKey(namedKeys[seq]):
	default:
		d.scrollEnd()
		d.goesOn(nil)
		d.typeKeys(p[:n])
	}
	return n
}

// kittyPrefix recognises the prefix as newer keyboard protocols send it, with
// whatever a program had them add: other keys in the same place, the event, the
// text, and Caps and Num Lock among the modifiers.
func (d *desk) kittyPrefix(seq string) bool {
	if d.prefix >= 0x20 {
		return false
	}
	seq, ok := strings.CutPrefix(seq, "\x1b[")
	if !ok {
		return false
	}
	var key, mod string
	if xterm, ok := strings.CutPrefix(seq, "27;"); ok && strings.HasSuffix(seq, "~") {
		mod, key, _ = strings.Cut(strings.TrimSuffix(xterm, "~"), ";")
	} else if kitty, ok := strings.CutSuffix(seq, "u"); ok {
		var event string
		key, mod, _ = strings.Cut(kitty, ";")
		key, _, _ = strings.Cut(key, ":")
		mod, _, _ = strings.Cut(mod, ";")
		if mod, event, _ = strings.Cut(mod, ":"); event != "" && event != "1" {
			return false
		}
	}
	c, err := strconv.Atoi(key)
	if err != nil || c != int(d.prefix)+'@' && c != int(d.prefix)+'`' {
		return false
	}
	m, err := strconv.Atoi(mod)
	return err == nil && m > 0 && (m-1)&^(capsLock|numLock) == ctrl
}

// Modifiers of keyboard protocols, as bits of what they send less one.
const (
	ctrl     = 4
	capsLock = 64
	numLock  = 128
)

// length is how long the sequence is that p begins with, 0 when p ends before
// it does.
func length(p []byte) int {
	switch p[1] {
	case '[':
		for i := 2; i < len(p); i++ {
			if p[i] >= 0x40 && p[i] <= 0x7e {
				return i + 1
			}
			if p[i] < 0x20 {
				return i // cut off
			}
		}
		return 0
	case 'O':
		if len(p) < 3 {
			return 0
		}
		return 3
	case ']':
		return said(p)
	case 0x1b:
		return 1
	}
	return 2
}

var namedKeys = map[string]string{
	"\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down", "\x1b[5~": "pgup", "\x1b[6~": "pgdown",
	"\x1b[H": "home", "\x1bOH": "home", "\x1b[F": "end", "\x1bOF": "end", "\x1b[1~": "home", "\x1b[4~": "end",
}

// commandKey takes a plain key that is ours.
func (d *desk) commandKey(p []byte) int {
	n := 1
	for n < len(p) && p[0] >= 0xc0 && p[n]&0xc0 == 0x80 {
		n++
	}
	key := plainKey(p)
	if key == "" {
		key = string(p[:n])
	}
	d.do(key)
	return n
}

// plainKey names the keys that are one byte and no character.
func plainKey(p []byte) string {
	switch p[0] {
	case 0x1b:
		return "esc"
	case '\r', '\n':
		return "enter"
	case '\t':
		return "tab"
	case 0x7f, 0x08:
		return "backspace"
	}
	return ""
}

// mouse hands a mouse report on to the shell, in its coordinates and in the
// form that its program asked for. The wheel over the text scrolls that.
func (d *desk) mouse(seq string) {
	parts := strings.Split(seq[3:len(seq)-1], ";")
	if len(parts) != 3 {
		return
	}
	b, err1 := strconv.Atoi(parts[0])
	x, err2 := strconv.Atoi(parts[1])
	y, err3 := strconv.Atoi(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || b < 0 || b > 255 {
		return
	}
	columns, rows := d.screen.Size()
	y -= d.top()
	if x -= d.origin(); d.view == onlyText || x < 1 {
		switch b {
		case 64:
			d.scroll(-3)
		case 65:
			d.scroll(3)
		}
		return
	}
	if x > columns || y < 1 || y > rows {
		return
	}
	up := seq[len(seq)-1] == 'm'
	switch {
	case d.screen.Mode(1006):
		d.typeKeys(fmt.Appendf(nil, "\x1b[<%d;%d;%d%c", b, x, y, seq[len(seq)-1]))
	case up && d.screen.Mode(9): // hears of presses alone
	default:
		if up {
			b = b&^3 | 3
		}
		if d.screen.Mode(1015) {
			d.typeKeys(fmt.Appendf(nil, "\x1b[%d;%d;%dM", b+32, x, y))
		} else if x <= 223 && y <= 223 {
			d.typeKeys([]byte{0x1b, '[', 'M', byte(b + 32), byte(x + 32), byte(y + 32)})
		}
	}
}
