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
