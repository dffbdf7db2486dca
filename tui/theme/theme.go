// Package theme is the only place that knows colours and the keys that mean
// the same on every screen; with it travels the language that they are drawn in. Whoever draws with it also gives each state a mark:
// a theme without colours must lose nothing but colour.
package theme

import (
	"charm.land/bubbles/v2/key"
	"charm.land/lipgloss/v2"

	"github.com/cloudmastershub/cmh/words"
)

// Theme is passed to every screen.
type Theme struct {
	Brand    lipgloss.Style // our name
	Title    lipgloss.Style // headings
	Section  lipgloss.Style // what a part of a screen is called
	Selected lipgloss.Style // the row under the cursor
	Faint    lipgloss.Style // what may be overlooked
	Good     lipgloss.Style
	Bad      lipgloss.Style
	Accent   lipgloss.Style // keys, marks, bars
	Keys     Keys

	Look Look // of the terminal that it is for

	words.Speaker
}

// Keys are the bindings that mean the same on every screen.
type Keys struct {
	Up, Down, PageUp, PageDown, Top, Bottom, Left, Right key.Binding
	Open, Back, Quit, Help, Filter, Reload, Settings     key.Binding
	Move, Scroll                                         key.Binding // for help: what the first eight do
}

// Default is the theme for a terminal of which nothing is known. It takes one
// accent from the sixteen colours of the terminal's own palette, the one that reads
// equally well on black and on white, besides green and red for good and bad. It
// speaks English.
func Default() Theme {
	s := lipgloss.NewStyle
	return Theme{
		Brand:    s().Bold(true).Foreground(lipgloss.Magenta),
		Title:    s().Bold(true),
		Section:  s().Bold(true).Foreground(lipgloss.Magenta), // without colours still bold
		Selected: s().Bold(true).Foreground(lipgloss.Magenta),
		Faint:    s().Faint(true),
		Good:     s().Foreground(lipgloss.Green),
		Bad:      s().Bold(true).Foreground(lipgloss.Red),
		Accent:   s().Foreground(lipgloss.Magenta),
		Keys: Keys{
			Up: Bind("↑/k", "up", "up", "k"), Down: Bind("↓/j", "down", "down", "j"),
			PageUp: Bind("pgup", "page up", "pgup", "ctrl+b"), PageDown: Bind("pgdn", "page down", "pgdown", "space", "ctrl+f"),
			Top: Bind("g", "top", "g", "home"), Bottom: Bind("G", "bottom", "G", "end"),
			Left: Bind("←/h", "left", "left", "h"), Right: Bind("→/l", "right", "right", "l"),
			Open: Bind("enter", "open", "enter"), Back: Bind("esc", "back", "esc", "backspace"),
			Quit: Bind("q", "quit", "q"), Help: Bind("?", "help", "?"),
			Move: Bind("↑↓", "move"), Scroll: Bind("↑↓", "scroll"),
			Filter: Bind("/", "search", "/"), Reload: Bind("r", "reload", "r"),
			Settings: Bind(",", "settings", ","),
		},
	}
}

// Bind is a key binding: how help names it, what it does, and its keys.
// Without keys it is only for help. Help is translated where it is drawn.
func Bind(name, help string, keys ...string) key.Binding {
	if len(keys) == 0 {
		keys = []string{name}
	}
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(name, help))
}
