package widget

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// longest bounds what can be typed into an Input.
const longest = 200

// Input is one line to type in. Its cursor does not blink: an idle screen
// sends nothing.
type Input struct {
	Prompt string
	Hint   string // shown while empty
	Value  string
	Focus  bool
}

// Update takes what is typed or pasted, and reports whether Value changed. A
// pasted newline is a space; it never submits.
func (in *Input) Update(msg tea.Msg) bool {
	before := in.Value
	switch msg := msg.(type) {
	case tea.PasteMsg:
		in.Value += safe.Line(msg.Content)
	case tea.KeyPressMsg:
		switch msg.String() {
		case "backspace", "ctrl+h":
			in.Value = shorten(in.Value)
		case "ctrl+u":
			in.Value = ""
		case "ctrl+w":
			t := strings.TrimRight(in.Value, " ")
			in.Value = t[:strings.LastIndexByte(t, ' ')+1]
		default:
			in.Value += strings.ReplaceAll(safe.Text(msg.Text), "\n", "")
		}
	}
	if len(in.Value) > longest {
		in.Value = before
	}
	return in.Value != before
}

// shorten drops the last character, whatever it is made of.
func shorten(s string) string {
	last := ""
	for rest := s; rest != ""; {
		c, _ := ansi.FirstGraphemeCluster(rest, ansi.GraphemeWidth)
		last = c
		rest = rest[max(len(c), 1):]
	}
	return strings.TrimSuffix(s, last)
}

// View is the line; its end is shown when it is too long.
func (in Input) View(th theme.Theme, width int) string {
	prompt := th.T(in.Prompt)
	room := max(width-ansi.StringWidth(prompt)-2, 1)
	value := in.Value
	for ansi.StringWidth(value) > room {
		c, _ := ansi.FirstGraphemeCluster(value, ansi.GraphemeWidth)
		value = value[max(len(c), 1):]
	}
	switch {
	case in.Focus:
		value += th.Accent.Render("▏")
	case value == "":
		value = th.Faint.Render(th.T(in.Hint))
	}
	return th.Accent.Render(prompt) + " " + value
}
