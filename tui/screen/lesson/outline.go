package lesson

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// outline is the headings of the text, to go to one.
type outline struct {
	headings []markdown.Heading
	open     bool
	cursor   widget.Cursor
}

// show opens the outline at the heading that a line is under.
func (o *outline) show(line int) {
	o.open = len(o.headings) > 0
	o.cursor.At = 0
	for i, h := range o.headings {
		if h.Line <= line {
			o.cursor.At = i
		}
	}
}

// press takes a key, and returns the line to go to; -1 is none.
func (o *outline) press(keys theme.Keys, k tea.KeyPressMsg, page int) int {
	o.cursor.Clamp(len(o.headings)) // the text may be another one by now
	switch {
	case len(o.headings) == 0:
		o.open = false
	case key.Matches(k, keys.Open):
		o.open = false
		return o.headings[o.cursor.At].Line
	case o.cursor.Move(keys, k, len(o.headings), page):
	case key.Matches(k, headings) || key.Matches(k, keys.Back):
		o.open = false
	}
	return -1
}

func (o *outline) view(th theme.Theme, width, height int) string {
	top := 6
	for _, h := range o.headings {
		top = min(top, h.Level)
	}
	var p widget.Page
	p.Add("  "+th.Section.Render(th.T("Outline")), "")
	for i, h := range o.headings {
		on := i == o.cursor.At
		p.Row(on, widget.Row(th, on, strings.Repeat("  ", h.Level-top)+h.Text, "", width))
	}
	return p.View(width, height)
}
