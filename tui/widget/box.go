package widget

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/theme"
)

// Over draws a box with a title over the middle of body, which is width by
// height.
func Over(th theme.Theme, body, title string, lines []string, width, height int) string {
	inner := ansi.StringWidth(title) + 2
	for _, l := range lines {
		inner = max(inner, ansi.StringWidth(l))
	}
	inner = min(inner, width-8)
	if len(lines) > height-2 {
		lines = lines[:max(height-2, 0)]
	}
	edge := th.Accent.Render
	box := []string{edge("╭─ ") + th.Title.Render(ansi.Truncate(title, inner-2, "…")) + edge(" "+strings.Repeat("─", max(0, inner-1-ansi.StringWidth(ansi.Truncate(title, inner-2, "…"))))+"╮")}
	for _, l := range lines {
		box = append(box, edge("│ ")+Fit(l, inner)+edge(" │"))
	}
	box = append(box, edge("╰"+strings.Repeat("─", inner+2)+"╯"))

	rows := strings.Split(body, "\n")
	for len(rows) < height {
		rows = append(rows, "")
	}
	for i := range box {
		box[i] = " " + box[i] + " " // apart from what is under it
	}
	top, left := max(0, (height-len(box))/2), max(0, (width-inner-6)/2)
	for i, l := range box {
		if top+i < len(rows) {
			under := Fit(rows[top+i], width)
			rows[top+i] = ansi.Cut(under, 0, left) + l + ansi.Cut(under, left+inner+6, width)
		}
	}
	return strings.Join(rows, "\n")
}

// YesNo is the line of a box that asks: what the next key means.
func YesNo(th theme.Theme) string {
	return th.Accent.Render("y") + " " + th.T("yes") + "    " + th.Accent.Render(th.T("any other key")) + " " + th.T("no")
}

// Keys is the help line: as many bindings as fit in width.
func Keys(th theme.Theme, keys []key.Binding, width int) string {
	line, used := "", 0
	for _, k := range keys {
		if !k.Enabled() || k.Help().Key == "" {
			continue
		}
		does := th.T(k.Help().Desc)
		w := ansi.StringWidth(th.T(k.Help().Key)) + 1 + ansi.StringWidth(does)
		if used > 0 {
			w += 3
		}
		if used+w > width {
			break
		}
		if used > 0 {
			line += th.Faint.Render(" · ")
		}
		line += th.Accent.Render(th.T(k.Help().Key)) + " " + does
		used += w
	}
	return line
}

// Message fills a screen that has nothing else to show: loading, empty, or
// what went wrong and what to do about it.
func Message(th theme.Theme, title string, lines []string, width, height int) string {
	out := make([]string, max(0, (height-len(lines)-3)/3))
	out = append(out, "  "+th.Title.Render(title))
	if len(lines) > 0 {
		out = append(out, "")
	}
	for _, l := range lines {
		for _, w := range Wrap(l, width-4) {
			out = append(out, "  "+w)
		}
	}
	return strings.Join(window(out, 0, width, height), "\n")
}

// Loading is the screen while it waits.
func Loading(th theme.Theme, width, height int) string {
	return Message(th, th.T("Loading…"), nil, width, height)
}

// Failed is the screen when what it needs could not be had.
func Failed(th theme.Theme, err error, signIn string, width, height int) string {
	return Message(th, th.T("✗ That did not work"), []string{Explain(th.Speaker, err, signIn)}, width, height)
}
