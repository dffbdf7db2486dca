package server

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

// What is typed over SSH is read in lines, and shown as it is typed.
func TestCooked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ typed, lines, shown string }{
		{"yes\r", "yes\n", "yes\r\n"},
		{"one\r\ntwo\n", "one\ntwo\n", "one\r\ntwo\r\n"},
		{"labz\x7fs\r", "labs\n", "labz\b \bs\r\n"},
		{"日\x7f\x7fx\r", "x\n", "日\b \bx\r\n"},
		{"\x1b[A\r", "[A\n", "[A\r\n"},
		{"a\x04b\r", "ab\n", "ab\r\n"},
		{"ab\x03c\r", "", "ab\r\n"},
		{"\x04", "", "\r\n"},
	} {
		var shown bytes.Buffer
		all, err := io.ReadAll(bufio.NewReader(&cooked{from: strings.NewReader(tt.typed), echo: &shown}))
		if err != nil || string(all) != tt.lines || shown.String() != tt.shown {
			t.Errorf("%q: lines %q, shown %q, %v", tt.typed, all, shown.String(), err)
		}
	}
}

// A password is read as it is typed, and not shown.
func TestCookedHidden(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	c := &cooked{from: strings.NewReader("secrex\x7ft\r"), echo: &shown}
	c.hidden.Store(true)
	if all, err := io.ReadAll(c); err != nil || string(all) != "secret\n" || shown.Len() > 0 {
		t.Errorf("%q, shown %q, %v", all, shown.String(), err)
	}
}
