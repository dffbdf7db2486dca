// Package markdown is what a page of Markdown is for those who show it: text for
// a terminal of a given width, and the blocks in it. Drawing it is package
// draw's, in this process or in another; scrolling, running and copying blocks
// are left to the caller.
package markdown

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// Options say how to draw. The zero Options draw plain text, 80 columns wide,
// without a single escape sequence.
type Options struct {
	Width  int  // columns; 0 means 80, and less than 20 is taken as 20
	Styled bool // may use bold, italic and the like
	Color  bool // may also use colours
	Links  bool // may make links clickable (OSC 8); else their addresses are shown
	Unfold bool // show what <details> fold away
	Linear bool // in words instead of lines and boxes, to be read aloud
	Bare   bool // give blocks of code without an action a number too, for copying
	From   int  // blocks numbered already, when several texts make one page

	// The colours of what stands out and of what may be overlooked, as parameters of
	// SGR; empty are those that suit any background.
	Accent, Faint string

	Words words.Speaker // of the few words that aren't the author's
}

// Block is a piece of code that the learner may run or copy. Those with a
// Number are marked with it, as [1], in the text.
type Block struct {
	Number    int    // from Options.From + 1, in order of appearance
	Code      string // as the author wrote it, to be sent byte for byte
	Lang      string
	Exec      bool // may be run; else only copied
	Interrupt bool // a Ctrl-C goes first
	NoEnter   bool // only typed: the learner ends the line
	Keys      bool // Code is keys to press, such as ^C
	Inline    bool // part of a sentence
	Terminal  int  // in which it runs, by number; 0 is the current one
	Host      int  // of the lab, on which; 0 is the current one
	Open      bool // Code names a file to edit
	File      File // that Code is for; its zero value is none
	Line      int  // of the text, from 0, where it begins
}

// A File is one that a block's code is for.
type File struct {
	Path   string
	How    string // replace, insert, append, prepend
	Marker string // the text that an insertion takes the place of
}

// A Heading is one of a text's.
type Heading struct {
	Level int
	Text  string // on one line, without a style
	Line  int    // of the text, from 0
}

// A Drawer draws src, and tells of the blocks and of the headings in what it has
// drawn. The text has no newline at its end and nothing in it that a terminal
// would obey but style and links, and no line is wider than the width unless one
// character is.
type Drawer func(src string, o Options) (text string, blocks []Block, headings []Heading)

// Draw is what d makes of src. Where there is no d, it stays as it is.
func (d Drawer) Draw(src string, o Options) (text string, blocks []Block) {
	text, blocks, _ = d.Outline(src, o)
	return text, blocks
}

// Outline is Draw with the headings.
func (d Drawer) Outline(src string, o Options) (text string, blocks []Block, headings []Heading) {
	if d == nil {
		return Plain(src, o), nil, nil
	}
	return d(src, o)
}

// Plain is src as its author wrote it.
func Plain(src string, o Options) string {
	if o.Width == 0 {
		o.Width = 80
	}
	src = strings.ReplaceAll(strings.Trim(safe.Text(src), "\n"), "\t", "    ")
	return ansi.Wrap(src, max(o.Width, 20), "")
}
