package server

import (
	"io"
	"sync/atomic"
	"unicode/utf8"
)

// A cooked is a learner's terminal as a program reads it that asks for lines.
// There is no terminal driver on this side to echo what is typed, to take back
// a character and to end a line at Enter. Nothing moves the cursor but a
// character taken back.
type cooked struct {
	from io.Reader
	echo io.Writer
	line []byte // being typed
	over []byte // ended, and not read yet
	cr   bool   // the last key was a carriage return: a line feed after it is none

	hidden atomic.Bool // what is typed is not shown
}

// maxLine is as long as a line is in the terminal driver of a kernel.
const maxLine = 4096

// Read returns lines as they are ended. Ctrl-C and Ctrl-D are the end.
func (c *cooked) Read(p []byte) (int, error) {
	for len(c.over) == 0 {
		var key [1]byte
		if _, err := io.ReadFull(c.from, key[:]); err != nil {
			return 0, io.EOF
		}
		if !c.press(key[0]) {
			return 0, io.EOF
		}
	}
	n := copy(p, c.over)
	c.over = c.over[n:]
	return n, nil
}

// press takes one key, and reports whether there may be more.
func (c *cooked) press(key byte) bool {
	after := c.cr
	c.cr = key == '\r'
	switch {
	case key == 3, key == 4 && len(c.line) == 0:
		c.show("\r\n")
		return false
	case key == '\n' && after:
	case key == '\r', key == '\n':
		c.show("\r\n")
		c.over, c.line = append(c.line, '\n'), nil
	case key == 0x7f, key == 8:
		if len(c.line) > 0 {
			_, n := utf8.DecodeLastRune(c.line)
			c.line = c.line[:len(c.line)-n]
			c.show("\b \b")
		}
	case key >= 0x20 && len(c.line) < maxLine:
		c.line = append(c.line, key)
		c.show(string([]byte{key}))
	}
	return true
}

func (c *cooked) show(s string) {
	if !c.hidden.Load() {
		_, _ = io.WriteString(c.echo, s)
	}
}
