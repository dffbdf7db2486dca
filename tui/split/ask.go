package split

import (
	"strings"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/tui/safe"
)

// An ask is a question in the status line: for a text, or for a yes.
type ask struct {
	label string
	text  bool
	value string
	done  func(string)
}

const maxAnswer = 1000

// question asks for a text; nothing happens when it is left empty.
func (d *desk) question(label, value string, done func(string)) {
	d.ask = &ask{label: d.theme.T(label), text: true, value: value, done: done}
	d.changed()
}

// confirm asks for a yes.
func (d *desk) confirm(label string, yes func()) {
	d.ask = &ask{label: d.theme.T(label), done: func(string) { yes() }}
	d.changed()
}

func (d *desk) askLine() string {
	if !d.ask.text {
		return " " + safe.Line(d.ask.label) + " " + d.theme.Accent.Render("y") + d.theme.T(" yes, any other key no")
	}
	return " " + safe.Line(d.ask.label) + ": " + safe.Line(d.ask.value)
}

func (d *desk) answerKey(key string) {
	a := d.ask
	switch {
	case !a.text:
		d.ask = nil
		if k := strings.ToLower(key); k == "y" || k == d.theme.T("y") {
			a.done("")
		}
	case key == "esc" || key == "\x03" || key == string(rune(d.prefix)):
		d.ask = nil
	case key == "enter":
		d.ask = nil
		if text := strings.TrimSpace(a.value); text != "" {
			a.done(text)
		}
	case key == "backspace":
		_, n := utf8.DecodeLastRuneInString(a.value)
		a.value = a.value[:len(a.value)-n]
	case utf8.RuneCountInString(key) == 1:
		a.paste(key)
	}
}

// paste adds text, on one line.
func (a *ask) paste(s string) {
	s = strings.ReplaceAll(safe.Text(s), "\n", " ")
	if a.text && len(a.value)+len(s) <= maxAnswer {
		a.value += s
	}
}
