package split

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// commands are what follows the prefix: the key, its name in the menu, and a
// line of help.
var commands = []struct{ key, short, long string }{
	{"1-9", words.Mark("run"), words.Mark("run that block of the text, write its file, open its file")},
	{"y", words.Mark("copy"), words.Mark("copy a block of the text to the clipboard")},
	{"c", words.Mark("check"), words.Mark("have the step checked")},
	{"h", words.Mark("hint"), words.Mark("show a hint; it may cost points")},
	{"o", words.Mark("solution"), words.Mark("show the solution, after asking")},
	{"n", words.Mark("next"), words.Mark("go on to the next step")},
	{"z", words.Mark("zoom"), words.Mark("both, only the shell, only the text")},
	{"d", words.Mark("leave"), words.Mark("leave; the lab goes on")},
	{"↑ ↓ pgdn", "", words.Mark("scroll the text")},
	{"[ pgup", "", words.Mark("look at what the shell has printed before")},
	{"t T", "", words.Mark("another terminal: the next one, one more")},
	{"p", "", words.Mark("reach a port of the lab")},
	{"a", "", words.Mark("answer a question of the step")},
	{"u", "", words.Mark("unfold what the text folds away")},
	{"S K", "", words.Mark("hand the lab in, skip the step (after three checks)")},
	{"e s", "", words.Mark("give the lab more time, save what you have made")},
	{"g r", "", words.Mark("go to a later step, begin this one again")},
}

// menu is the commands on one line, as many as fit beside the last two.
func (d *desk) menu() string {
	var parts []string
	for _, c := range commands {
		if c.short != "" {
			parts = append(parts, d.theme.Accent.Render(c.key)+" "+d.theme.T(c.short))
		}
	}
	parts = append(parts, d.theme.Accent.Render("?")+" "+d.theme.T("more"))
	for len(parts) > 2 && ansi.StringWidth(strings.Join(parts, "  ")) > d.cols-2 {
		parts = slices.Delete(parts, len(parts)-3, len(parts)-2)
	}
	return strings.Join(parts, "  ")
}

func (d *desk) helpLines() []string {
	out := []string{"", " " + d.theme.Title.Render(d.theme.Tf("Keys, each after %s", d.prefixName())), ""}
	add := func(key, does string) {
		for _, l := range widget.Wrap(does, d.cols-17) {
			out = append(out, " "+d.theme.Accent.Render(widget.Fit(key, 14))+l)
			key = ""
		}
	}
	for _, c := range commands {
		add(c.key, d.theme.T(c.long))
	}
	add(d.prefixName(), d.theme.Tf("type %s itself", d.prefixName()))
	return append(out, "", " "+d.theme.T("Everything else goes to the shell."))
}

// do takes a key that is ours: of an open question, of the text, or a command.
func (d *desk) do(key string) {
	defer d.changed()
	switch {
	case d.ask != nil:
		d.answerKey(key)
		return
	case d.help:
		d.helpKey(key)
		return
	}
	pending := d.input.pending
	d.input.pending = false
	if !pending { // the text alone is shown, and keys are its own
		switch key {
		case "esc", "q", "enter", "tab":
			d.turnTo(both)
			return
		case "k":
			key = "up"
		case "j":
			key = "down"
		case " ":
			key = "pgdown"
		}
	}
	if !pending && d.scrolls(key) {
		return
	}
	switch key {
	case "up", "down", "pgdown", "home", "end":
		d.scrollText(key)
	case "pgup", "[":
		d.scrollBack(key)
	case "t":
		d.nextTab()
	case "T":
		d.addTab()
	case "p":
		d.reach()
	case "?":
		d.help, d.helpAt = true, 0
		d.shown = shown{}
	case "z":
		d.turnTo((d.view + 1) % 3)
	case "u":
		d.unfold = !d.unfold
		d.layOut()
	case "d", "q":
		d.typeRaw([]byte{labssh.Detach, 'd'})
	case "y":
		d.question("Copy block", "", func(s string) { d.copyBlock(s) })
	default:
		if n, err := strconv.Atoi(key); err == nil && n > 0 {
			d.runNumber(n)
			return
		}
		d.hubCommand(key)
	}
}

// helpKey scrolls the help, where there is not room for all of it. Any other key ends
// it.
func (d *desk) helpKey(key string) {
	by, ok := map[string]int{"up": -1, "k": -1, "down": 1, "j": 1, "pgup": 4 - d.rows, "pgdown": d.rows - 4, " ": d.rows - 4}[key]
	if ok && len(d.helpLines()) > d.rows-1 {
		d.helpAt = max(0, d.helpAt+by)
		return
	}
	d.help = false
	d.shown = shown{}
}

// turnTo divides the screen otherwise. Where there is no room for both, the
// shell has all of it.
func (d *desk) turnTo(view int) {
	if view == both && (d.narrow() || d.o.Whole && d.view == onlyText) {
		view = onlyShell
	}
	d.view = view
	d.resize()
}

// hubCommand is a command that the hub carries out.
func (d *desk) hubCommand(key string) {
	id, step := d.o.Session, d.session.Step
	if !d.loaded || d.busy != "" {
		return // one at a time
	}
	switch key {
	case "c":
		d.work("Checking…", func(ctx context.Context) func() {
			r, err := d.api.CheckLab(ctx, id, 0)
			return func() { d.judged(r, err) }
		})
	case "n":
		d.work("Going on…", func(ctx context.Context) func() {
			s, err := d.api.NextLabStep(ctx, id)
			return d.moved(s, err, "")
		})
	case "K":
		d.work("Skipping…", func(ctx context.Context) func() {
			s, err := d.api.SkipLabStep(ctx, id)
			return d.moved(s, err, "Skipped.")
		})
	case "S":
		d.confirm("Hand the lab in? Its machine is gone then.", func() {
			d.handing = true
			d.work("Handing in…", func(ctx context.Context) func() {
				_, err := d.api.SubmitLab(ctx, id)
				return func() {
					d.handing = false
					if err == nil {
						d.finish(errFinished)
					}
					d.told(err, "Handed in.")
				}
			})
		})
	case "h":
		d.work("Looking for a hint…", func(ctx context.Context) func() {
			h, err := d.api.LabHint(ctx, id, step)
			return func() { d.noted(step, note{title: d.theme.Tf("Hint %d of %d", h.Number, h.Of), text: h.Text}, err) }
		})
	case "o":
		show := func() {
			d.work("Asking for the solution…", func(ctx context.Context) func() {
				s, err := d.api.LabSolution(ctx, id, step)
				return func() { d.noted(step, note{title: d.theme.T("Solution"), text: widget.Solution(s, "exec")}, err) }
			})
		}
		for _, s := range d.session.Steps {
			if s.Number == step && (s.SolutionSeen || s.State == hub.StepPassed) {
				show() // which costs nothing
				return
			}
		}
		d.confirm("Show the solution? The step is worth less then.", show)
	case "e":
		d.work("Asking for more time…", func(ctx context.Context) func() {
			s, err := d.api.ExtendLab(ctx, id, 0)
			return d.moved(s, err, "There is more time now.")
		})
	case "s":
		d.work("Saving…", func(ctx context.Context) func() {
			_, err := d.api.SaveLab(ctx, id, "")
			return func() {
				d.told(err, "Saved. cmh lab reset --to brings it back; cmh lab checkpoints lists what is kept.")
			}
		})
	case "r":
		d.confirm("Begin this step again? What you made in it is gone.", func() {
			d.work("Going back…", func(ctx context.Context) func() {
				s, err := d.api.ResetLab(ctx, id, hub.LabReturn{})
				return d.moved(s, err, "The step begins again.")
			})
		})
	case "g":
		d.question("Go to step", "", func(text string) {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				d.say("That is no step.")
				return
			}
			d.work("Going there…", func(ctx context.Context) func() {
				s, err := d.api.GotoLabStep(ctx, id, n)
				return d.moved(s, err, "")
			})
		})
	case "a":
		d.answer()
	}
}

// work does something that takes time, and then what it returns.
func (d *desk) work(busy string, f func(context.Context) func()) {
	if d.ctx.Err() != nil {
		return // nobody would wait for it
	}
	d.busy, d.said = d.theme.T(busy), ""
	d.working.Go(func() {
		then := f(d.ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy = ""
		then()
		d.changed()
	})
}

// told says how something went.
func (d *desk) told(err error, well string) {
	if err != nil {
		well = widget.Said(d.theme.Speaker, err)
	}
	d.say(well)
}

// moved takes a session over.
func (d *desk) moved(s hub.LabSession, err error, well string) func() {
	return func() {
		if err == nil {
			d.take(s)
		}
		d.told(err, well)
	}
}

// noted adds a note to a step, in the place of one of the same title, and
// shows where it begins.
func (d *desk) noted(step int, n note, err error) {
	if err != nil {
		d.told(err, "")
		return
	}
	var kept []note
	for _, old := range d.notes[step] {
		if old.title != n.title {
			kept = append(kept, old)
		}
	}
	d.notes[step] = append(kept, n)
	d.layOut()
	for i, l := range d.lines {
		if strings.Contains(l, "── "+n.title+" ──") {
			d.offset = max(0, i-1)
		}
	}
	d.offset = min(d.offset, max(0, len(d.lines)-(d.rows-3)))
	if d.view == onlyShell {
		d.turnTo(onlyText)
	}
}

// judged shows how a check went: in the status line in short, and what was
// expected and seen below the text.
func (d *desk) judged(r hub.CheckResult, err error) {
	if err != nil {
		d.told(err, "")
		return
	}
	th := d.theme
	d.session.Steps = r.Steps
	text := widget.Verdict(th, r, d.finished(), widget.LabKeys{Next: d.key("n"), Hint: d.key("h"), Submit: d.key("S")})
	if r.Open > 0 {
		text += " " + th.N(r.Open, "%d question to answer: %s.", "%d questions to answer: %s.", r.Open, d.key("a"))
	}
	var lines []string
	for _, c := range r.Checks {
		lines = append(lines, widget.Step(th, c.State)+" "+safe.Line(c.Name))
		for _, part := range []struct{ what, text string }{{th.T("expected"), c.Expected}, {th.T("observed"), c.Observed}, {"", th.Told(c.Message)}} {
			if c.State == hub.StepPassed || part.text == "" {
				continue
			}
			if part.what != "" {
				part.text = part.what + ": " + part.text
			}
			for _, l := range widget.Wrap(part.text, d.textWidth()-4) {
				lines = append(lines, "    "+l)
			}
		}
	}
	var kept []note
	for _, old := range d.notes[r.Step] {
		if old.title != th.T("Check") {
			kept = append(kept, old)
		}
	}
	d.notes[r.Step] = kept
	if len(lines) > 0 {
		view := d.view
		d.noted(r.Step, note{title: th.T("Check"), plain: lines}, nil)
		if view == onlyShell { // the line says enough
			d.turnTo(view)
		}
	} else {
		d.layOut()
	}
	d.say(text)
}

// answer asks for the answer to a question of the step.
func (d *desk) answer() {
	s := d.written()
	if s == nil || len(s.Questions) == 0 {
		d.say("This step asks no question.")
		return
	}
	put := func(number int, kind string) func(string) {
		return func(text string) {
			given := []string{text}
			if kind == "multiple" {
				given = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
			}
			d.work("Answering…", func(ctx context.Context) func() {
				r, err := d.api.AnswerLab(ctx, d.o.Session, hub.LabAnswer{Step: s.Number, Question: number, Answer: given})
				return func() {
					if err == nil && len(r.Steps) > 0 {
						d.session.Steps = r.Steps
					}
					mark := d.theme.Bad.Render(d.theme.T("✗ Not right."))
					if r.Right {
						mark = d.theme.Good.Render(d.theme.T("✓ Right."))
					}
					d.told(err, mark+" "+safe.Line(d.theme.Told(r.Message)))
				}
			})
		}
	}
	if len(s.Questions) == 1 {
		d.question("Answer", "", put(0, s.Questions[0].Kind))
		return
	}
	d.question("Answer question", "", func(text string) {
		for _, q := range s.Questions {
			if strconv.Itoa(q.Number) == text {
				d.question(d.theme.Tf("Answer to %d", q.Number), "", put(q.Number, q.Kind))
				return
			}
		}
		d.say("There is no such question.")
	})
}

// copyBlock puts a block on the clipboard of the learner's terminal (OSC 52).
func (d *desk) copyBlock(text string) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > len(d.blocks) {
		d.say("There is no such block.")
		return
	}
	code := base64.StdEncoding.EncodeToString([]byte(d.blocks[n-1].Code))
	d.clipboard = "\x1b]52;c;" + code + "\x07"
	d.say(d.theme.Tf("Copied block %d, where the terminal allows it.", n))
}
