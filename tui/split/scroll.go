package split

import (
	"github.com/charmbracelet/x/ansi"
)

// What the keys that scroll are for, until another key is pressed.
const (
	nothing = iota
	theText
	theShell
)

// scrollKey takes a key while something is being scrolled, and reports whether
// it was one for that. Any other goes where it always goes.
func (d *desk) scrollKey(key string) bool {
	if key == "esc" {
		d.scrollEnd()
		return true
	}
	if !d.scrolls(key) {
		return false
	}
	d.changed()
	return true
}

func (d *desk) scrolls(key string) bool {
	move := d.scroll
	page, all := max(1, d.rows-4), len(d.lines)
	if d.scrolling == theShell {
		first, end := d.screen.Above()
		_, rows := d.screen.Size()
		move, page, all = d.lookBack, max(1, rows-1), end-first+1
	}
	switch key {
	case "up":
		move(-1)
	case "down":
		move(1)
	case "pgup":
		move(-page)
	case "pgdown":
		move(page)
	case "home":
		move(-all)
	case "end":
		move(all)
	default:
		return false
	}
	return true
}

// scrollText begins to scroll the text, with the first of its keys.
func (d *desk) scrollText(key string) {
	d.scrolling = theText
	d.scrolls(key)
}

// scrollBack begins to look at what the shell has printed before.
func (d *desk) scrollBack(key string) {
	first, end := d.screen.Above()
	switch {
	case d.screen.Alternate():
		d.say("The program in the shell has its own way of scrolling.")
		return
	case first == end:
		d.say("Nothing has left the shell's screen yet.")
		return
	}
	if d.view == onlyText {
		d.turnTo(both)
	}
	d.scrolling, d.back = theShell, end
	d.scrolls(key)
}

// lookBack moves by n lines. What is printed meanwhile moves nothing; below the
// last line one is back at the shell.
func (d *desk) lookBack(n int) {
	first, end := d.screen.Above()
	d.back = max(d.back+n, first)
	if d.back >= end {
		d.scrollEnd()
	}
}

// scrollEnd is back at the shell as it is.
func (d *desk) scrollEnd() {
	if d.scrolling != nothing {
		d.scrolling = nothing
		d.changed()
	}
}

// shellRow draws row y of the shell, as it is or as one looks back.
func (d *desk) shellRow(y, columns int) []byte {
	if d.scrolling != theShell {
		return d.screen.DrawRow(nil, y, columns)
	}
	first, end := d.screen.Above()
	d.back = min(max(d.back, first), end)
	if n := d.back + y; n < end {
		return []byte(ansi.Truncate(string(d.screen.DrawAbove(nil, n)), columns, ""))
	} else {
		return d.screen.DrawRow(nil, n-end, columns)
	}
}
