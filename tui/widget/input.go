package widget

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// What can be typed into an Input is bounded, in bytes; a secret may be 128
// characters long.
const (
	longest       = 254 // an address
	longestSecret = 512
)

// Input is one line to type in. Its cursor does not blink: an idle screen
// sends nothing.
type Input struct {
	Prompt string
	Hint   string // shown while empty
	Value  string
	Focus  bool
	Secret bool // is shown as dots, and kept just as it came, but for the ends of lines
}

// Update takes what is typed or pasted, and reports whether Value changed. A
// pasted newline is a space; it never submits.
func (in *Input) Update(msg tea.Msg) bool {
	before := in.Value
	switch msg := msg.(type) {
	case tea.PasteMsg:
		if in.Secret {
			in.Value += asItCame(msg.Content)
		} else {
			in.Value += safe.Line(msg.Content)
		}
	case tea.KeyPressMsg:
		switch msg.String() {
		case "backspace", "ctrl+h":
			in.Value = Shorten(in.Value)
		case "ctrl+u":
			in.Value = ""
		case "ctrl+w":
			t := strings.TrimRight(in.Value, " ")
			in.Value = t[:strings.LastIndexByte(t, ' ')+1]
		default:
			if in.Secret {
				in.Value += asItCame(msg.Text)
			} else {
				in.Value += strings.ReplaceAll(safe.Text(msg.Text), "\n", "")
			}
		}
	}
	if n := len(in.Value); n > longestSecret || n > longest && !in.Secret {
		in.Value = before
	}
	return in.Value != before
}

var endsOfLines = strings.NewReplacer("\r", "", "\n", "")

func asItCame(s string) string { return strings.ToValidUTF8(endsOfLines.Replace(s), "") }

// Shorten drops the last character, whatever it is made of.
func Shorten(s string) string {
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
	if in.Secret {
		value = strings.Repeat("•", utf8.RuneCountInString(value))
	}
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
