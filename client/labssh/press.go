package labssh

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A press is what a console of Windows tells of a key: one unit of UTF-16, also of
// what a terminal sends for an arrow.
type press struct {
	down, ctrl bool
	key, unit  uint16
	times      uint16
}

const altKey = 0x12

// presses makes of them what a terminal sends. Its zero value is ready.
type presses struct{ half rune }

// add appends what was typed. A key that types nothing has the unit 0, and so has
// Ctrl-Space; letting go of Alt types what was spelled in digits.
func (p *presses) add(typed []byte, k press) []byte {
	types := k.unit != 0 || k.ctrl && (k.key == 0 || k.key == '2' || k.key == ' ')
	spelled := !k.down && k.key == altKey && k.unit != 0
	if !spelled && (!k.down || !types) {
		return typed
	}
	r, half := rune(k.unit), p.half
	p.half = 0
	if utf16.IsSurrogate(r) {
		if r < 0xdc00 {
			p.half = r
			return typed
		}
		r = utf16.DecodeRune(half, r)
	}
	for range max(k.times, 1) {
		typed = utf8.AppendRune(typed, r)
	}
	return typed
}
