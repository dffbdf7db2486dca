package split

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// themed is the theme that the options ask for.
func themed(o Options) theme.Theme {
	th := theme.New(o.Look)
	th.Speaker = o.Words
	if o.Mono {
		th = plain(th)
	}
	return th
}

// plain is th without colours: what they say is also said by marks.
func plain(th theme.Theme) theme.Theme {
	s := lipgloss.NewStyle
	th.Brand, th.Title, th.Selected, th.Accent = s().Bold(true), s().Bold(true), s().Bold(true), s().Bold(true)
	th.Faint, th.Good, th.Bad = s().Faint(true), s(), s().Bold(true)
	return th
}

// written is the current step as its author wrote it; nil when there is none.
func (d *desk) written() *hub.LabStep {
	for i := range d.lab.Steps {
		if d.lab.Steps[i].Number == d.session.Step {
			return &d.lab.Steps[i]
		}
	}
	return nil
}

func (d *desk) source() string {
	if s := d.written(); s != nil {
		return s.Text
	}
	return d.lab.Description + "\n\n" + d.lab.Instructions
}

// finished reports whether every step is done.
func (d *desk) finished() bool {
	for _, s := range d.session.Steps {
		if s.State != hub.StepPassed && s.State != hub.StepSkipped {
			return false
		}
	}
	return len(d.session.Steps) > 0
}

// layOut draws the text anew. The caller holds mu.
func (d *desk) layOut() {
	if !d.loaded {
		return
	}
	th := d.theme
	d.lines, d.blocks = nil, nil
	title := safe.Line(d.session.Title)
	if s := d.written(); s != nil && s.Title != "" {
		title = safe.Line(s.Title)
	}
	for _, l := range strings.Split(ansi.Wrap(title, d.textWidth(), ""), "\n") {
		d.lines = append(d.lines, th.Title.Render(l))
	}
	d.lines = append(d.lines, "")
	d.add(d.source())
	d.questions()
	d.portLines()
	for _, n := range d.notes[d.session.Step] {
		d.section(n.title)
		d.lines = append(d.lines, n.plain...)
		d.add(n.text)
	}
	if d.finished() && d.lab.Finish != "" {
		d.section("All steps done")
		d.add(d.lab.Finish)
	}
	d.offset = min(d.offset, max(0, len(d.lines)-1))
}

func (d *desk) textWidth() int {
	if d.view == onlyText || d.narrow() {
		return min(d.cols-3, 92)
	}
	return d.column() - 3
}

func (d *desk) section(title string) {
	d.lines = append(d.lines, "", d.theme.Accent.Render("── "+d.theme.T(title)+" ──"), "")
}

func (d *desk) add(src string) {
	if strings.TrimSpace(src) == "" {
		return
	}
	accent, faint := d.theme.Inks()
	text, blocks := d.o.Pages.Draw(src, markdown.Options{
		Width: d.textWidth(), Styled: true, Color: !d.o.Mono, Accent: accent, Faint: faint, Links: true, Unfold: d.unfold, Bare: true, From: len(d.blocks), Words: d.theme.Speaker,
	})
	d.blocks = append(d.blocks, blocks...)
	d.lines = append(d.lines, strings.Split(text, "\n")...)
}

// questions are those of the step, with what may be answered.
func (d *desk) questions() {
	s := d.written()
	if s == nil || len(s.Questions) == 0 {
		return
	}
	d.section("Questions")
	for _, q := range s.Questions {
		for i, l := range widget.Wrap(q.Prompt, d.textWidth()-3) {
			mark := "   "
			if i == 0 {
				mark = fmt.Sprintf("%d. ", q.Number)
			}
			d.lines = append(d.lines, mark+l)
		}
		for i, c := range q.Choices {
			d.lines = append(d.lines, fmt.Sprintf("   %c) %s", 'a'+i, safe.Line(c)))
		}
	}
	d.lines = append(d.lines, "", d.theme.Tf("%s answers", d.theme.Accent.Render(d.key("a"))))
}

// textLines are the lines that are in sight, with a margin.
func (d *desk) textLines() []string {
	if !d.loaded {
		return []string{"", " " + d.theme.T("Loading…")}
	}
	out := []string{}
	for _, l := range d.lines[min(d.offset, len(d.lines)):] {
		out = append(out, " "+l)
	}
	return out
}

// scroll moves the text by n lines.
func (d *desk) scroll(n int) {
	last := max(0, len(d.lines)-(d.rows-3))
	d.offset = min(max(d.offset+n, 0), max(last, 0))
	d.changed()
}

// statusLine is the lowest line of the screen, all of it.
func (d *desk) statusLine() string {
	th := d.theme
	line := ""
	switch {
	case d.ask != nil:
		line = d.askLine()
	case d.help:
		line = " " + th.T("Any key goes back.")
	case d.input.pending:
		line = " " + d.menu()
	case d.busy != "":
		line = " " + th.Accent.Render("◌") + " " + d.busy
	case d.said != "":
		line = " " + safe.Line(d.said)
		if strings.ContainsRune(d.said, 0x1b) {
			line = " " + d.said
		}
	case d.scrolling == theShell:
		first, end := d.screen.Above()
		line = th.Tf(" Line %d of %d   ↑↓ pgup pgdn   ", d.back-first+1, end-first) + th.Accent.Render("esc") + th.T(" back to the shell")
	case d.scrolling == theText:
		line = th.T(" ↑↓ pgup pgdn scroll the text   any other key is the shell's")
	case d.view == onlyText:
		line = th.T(" ↑↓ scroll   1-9 run   ") + th.Accent.Render("esc") + th.T(" back to the shell")
	default:
		line = d.where()
		if hint := th.Faint.Render(d.prefixName() + th.T(" ? keys ")); ansi.StringWidth(line)+ansi.StringWidth(hint) < d.cols-3 {
			line = widget.Between(line, hint, d.cols-1)
		}
	}
	return "\x1b[m\x1b[K" + safe.Styled(ansi.Truncate(line, d.cols-1, "…"))
}

// where is step, marks and clock.
func (d *desk) where() string {
	if !d.loaded {
		return " " + d.theme.T("Loading…")
	}
	th := d.theme
	var marks strings.Builder
	for _, s := range d.session.Steps {
		marks.WriteString(widget.Step(th, s.State))
	}
	step := ""
	if n := len(d.session.Steps); n > 0 {
		step = th.Tf("Step %d/%d", d.session.Step, n)
	}
	left := ""
	if l := d.left(); l != "" {
		left = th.Accent.Render(l)
	}
	return " " + widget.Join(strings.TrimSpace(th.Title.Render(step)+" "+marks.String()), left, safe.Line(d.lab.Title))
}

func (d *desk) left() string { return widget.Left(d.theme.Speaker, d.session.ExpiresAt, d.o.Now()) }

// prefixName is the prefix as help names it.
func (d *desk) prefixName() string {
	switch p := d.prefix; {
	case p == 0x7f || p >= 0x20:
		return string(rune(p))
	default:
		return "Ctrl-" + strings.ToLower(string(rune(p+'@')))
	}
}

// key is a command's key with the prefix.
func (d *desk) key(k string) string { return d.prefixName() + " " + k }
