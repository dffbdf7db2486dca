package split

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
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

// askLines are the question as a whole: the keys that answer it stand at its end.
func (d *desk) askLines() []string {
	if d.ask.text {
		return []string{d.askLine()}
	}
	text := safe.Line(d.ask.label) + " " + d.theme.Accent.Render("y") + d.theme.T(" yes, any other key no")
	lines := strings.Split(ansi.Wrap(text, d.cols-2, ""), "\n")
	lines = lines[max(0, len(lines)-max(1, d.rows/2)):]
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

// askLine is what is asked for and as much of the end of the answer as there is
// room for: that is where one types.
func (d *desk) askLine() string {
	label := " " + safe.Line(d.ask.label) + ": "
	value := safe.Text(d.ask.value)
	room := max(d.cols-2-ansi.StringWidth(label), 1)
	if over := ansi.StringWidth(value) - room; over > 0 {
		value = ansi.TruncateLeft(value, over+1, "…")
	}
	return label + value
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
		a.value = widget.Shorten(a.value)
	case utf8.RuneCountInString(key) == 1:
		a.paste(key)
	}
}

// paste adds text, on one line.
func (a *ask) paste(s string) {
	s = strings.NewReplacer("\n", " ", "\t", " ").Replace(safe.Text(s))
	if a.text && len(a.value)+len(s) <= maxAnswer {
		a.value += s
	}
}
