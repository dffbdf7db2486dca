package labssh

import (
	"testing"
	"unicode/utf16"
)

// Whatever is typed at a console of Windows arrives as at any terminal, once.
func TestPresses(t *testing.T) {
	t.Parallel()
	// typed is each unit with the key going down and up, as consoles tell it.
	typed := func(s string) (all []press) {
		for _, u := range utf16.Encode([]rune(s)) {
			all = append(all, press{down: true, unit: u, times: 1}, press{unit: u, times: 1})
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		keys  []press
		typed string
	}{
		{"letters of every language", typed("aéü日本語🎉\r"), "aéü日本語🎉\r"},
		{"an arrow and a paste", typed("\x1b[A\x1b[200~ñ\x1b[201~"), "\x1b[A\x1b[200~ñ\x1b[201~"},
		{"a key that is held", []press{{down: true, unit: 'x', times: 3}}, "xxx"},
		{"a key alone that types nothing", []press{{down: true, key: 0x10}, {key: 0x10}, {down: true, key: 0x11, ctrl: true}, {down: true, key: altKey}, {key: altKey}}, ""},
		{"a dead key", []press{{down: true, key: 0xdd}, {key: 0xdd}, {down: true, key: 'E', unit: 'é'}}, "é"},
		{"Ctrl-C and Ctrl-Space", []press{{down: true, ctrl: true, key: 'C', unit: 3}, {down: true, ctrl: true, key: ' '}, {ctrl: true, key: ' '}}, "\x03\x00"},
		{"spelled in digits with Alt", []press{{down: true, key: altKey}, {down: true, key: 0x61}, {key: 0x61}, {key: altKey, unit: 'ß'}}, "ß"},
		{"halves", []press{{down: true, unit: 0xdc00}, {down: true, unit: 0xd83c}, {down: true, unit: 'a'}}, "\ufffda"},
	} {
		var p presses
		var got []byte
		for _, k := range tt.keys {
			got = p.add(got, k)
		}
		if string(got) != tt.typed {
			t.Errorf("%s: %q, not %q", tt.name, got, tt.typed)
		}
	}
}
