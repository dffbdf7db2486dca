package split

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// saidMost is how many lines what is said may take at most.
const saidMost = 6

// status is the lowest line of the screen. What is said may take several, of which
// all but the last lie over the end of the shell until the next key.
func (d *desk) status() []string {
	th := d.theme
	line := ""
	switch {
	case d.ask != nil:
		lines := d.askLines()
		for i := range lines {
			lines[i] = ansi.Truncate(lines[i], d.cols-1, "…")
		}
		return lines
	case d.help && len(d.helpLines()) > d.rows-1:
		line = th.T(" ↑↓ scroll   any other key goes back")
	case d.help:
		line = " " + th.T("Any key goes back.")
	case d.input.pending:
		line = " " + d.menu()
	case d.busy != "":
		line = " " + th.Accent.Render("◌") + " " + d.busy
	case d.said != "":
		return d.saidLines()
	case d.scrolling == theShell:
		first, end := d.screen.Above()
		line = th.Tf(" Line %d of %d   ↑↓ pgup pgdn   ", d.back-first+1, end-first) + th.Accent.Render("esc") + th.T(" back to the shell")
	case d.scrolling == theText:
		line = th.T(" ↑↓ pgup pgdn scroll the text   any other key is the shell's")
	case d.view == onlyText:
		back := th.Accent.Render("esc") + th.T(" back to the shell")
		if line = th.T(" ↑↓ scroll   1-9 run   ") + back; ansi.StringWidth(line) >= d.cols {
			line = " " + back
		}
	default:
		line = d.where()
	}
	return []string{ansi.Truncate(line, d.cols-1, "…")}
}

// saidLines is what is said, as a whole until the next key, and its beginning
// until the next line that is typed.
func (d *desk) saidLines() []string {
	text := d.said
	if !strings.ContainsRune(text, 0x1b) {
		text = safe.Text(text)
	}
	if flat := strings.ReplaceAll(text, "\n", " "); d.brief || ansi.StringWidth(flat) <= d.cols-3 {
		return []string{" " + ansi.Truncate(flat, d.cols-2, "…")}
	}
	lines := strings.Split(ansi.Wrap(text, d.cols-3, ""), "\n")
	if most := max(1, min(saidMost, d.rows/2)); len(lines) > most {
		lines = lines[:most]
		lines[most-1] = ansi.Truncate(lines[most-1]+" …", d.cols-3, "…")
	}
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

// goesOn makes room for what the learner types.
func (d *desk) goesOn(typed []byte) {
	if d.said == "" {
		return
	}
	d.brief = true
	if strings.ContainsRune(string(typed), '\r') {
		d.said = ""
	}
	d.changed()
}

// where is step, marks, clock, and the keys that one may want next. Where there is
// no room for all of it, the lab's title is the first to go.
func (d *desk) where() string {
	if !d.loaded {
		return " " + d.theme.T("Loading…")
	}
	th := d.theme
	var marks strings.Builder
	for _, s := range d.session.Steps {
		if s.Number == d.session.Step && s.State == hub.StepPending {
			marks.WriteString(th.Accent.Render("◉"))
		} else {
			marks.WriteString(widget.Step(th, s.State))
		}
	}
	step := ""
	if n := len(d.session.Steps); n > 0 {
		step = th.Tf("Step %d/%d", d.session.Step, n)
	}
	step = strings.TrimSpace(th.Title.Render(step) + " " + marks.String())
	left := widget.Clock(th, d.session.ExpiresAt, d.o.Now())
	keys := d.nextKeys()
	for _, try := range []struct {
		line  string
		least int
	}{{widget.Join(step, left, safe.Line(d.lab.Title)), 3}, {widget.Join(step, left), 1}, {step, 1}} {
		for n := len(keys); n >= min(try.least, len(keys)); n-- {
			if hint := d.hint(keys[len(keys)-n:]); ansi.StringWidth(try.line)+ansi.StringWidth(hint) < d.cols-3 {
				return widget.Between(" "+try.line, hint, d.cols-1)
			}
		}
	}
	return " " + widget.Join(step, left)
}

// nextKeys are commands that one may want now, the last one the most: that is the
// way to all others.
func (d *desk) nextKeys() (keys [][2]string) {
	passed, runs, run, s := false, false, "1", d.written()
	for _, s := range d.session.Steps {
		passed = passed || s.Number == d.session.Step && (s.State == hub.StepPassed || s.State == hub.StepSkipped)
	}
	if n := min(len(d.blocks), 9); n > 1 {
		run = "1-" + strconv.Itoa(n)
	}
	for _, b := range d.blocks {
		runs = runs || b.Exec || b.Open || b.File.Path != ""
	}
	finished := d.finished()
	for _, k := range []struct {
		wanted    bool
		key, does string
	}{
		{s != nil && s.Hints > 0 && !passed, "h", words.Mark("hint")},
		{runs, run, words.Mark("run")},
		{!runs && len(d.blocks) > 0, "y", words.Mark("copy")},
		{d.view == onlyShell, "z", words.Mark("task")},
		{!passed && !finished, "c", words.Mark("check")},
		{passed && !finished, "n", words.Mark("next")},
		{finished, "S", words.Mark("hand in")},
		{true, "?", words.Mark("keys")},
	} {
		if k.wanted {
			keys = append(keys, [2]string{k.key, d.theme.T(k.does)})
		}
	}
	return keys
}

// hint is some commands on a line, the most wanted first and the way to all others
// last.
func (d *desk) hint(keys [][2]string) string {
	th := d.theme
	var parts []string
	for i := len(keys) - 2; i >= 0; i-- {
		parts = append(parts, th.Accent.Render(keys[i][0])+" "+keys[i][1])
	}
	last := keys[len(keys)-1]
	parts = append(parts, th.Accent.Render(last[0])+" "+last[1])
	return th.Faint.Render(d.prefixName()) + " " + strings.Join(parts, "  ")
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
