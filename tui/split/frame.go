package split

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
)

// shown is what the learner's terminal shows and which modes it is in; the
// zero shown is not known.
type shown struct {
	known  bool
	text   []string // the rows left of the shell
	shell  [][]byte // the shell's rows, as the model drew them
	bar    string   // of tabs
	status string
	modes  string
	cursor string
}

// covered stands for a row that the status lies over.
const covered = "\x00"

// How soon a frame may follow another: at once after a small one, such as the
// echo of a key, and not sooner than anybody can see after a large one.
const (
	afterSmall = time.Millisecond
	afterLarge = 16 * time.Millisecond
	small      = 2048 // bytes
)

// draw keeps the terminal as the state is, until the end of ctx.
func (d *desk) draw() {
	d.write(enter)
	if d.o.Look.Ask { // nobody has heard anything yet
		d.write(ansi.RequestBackgroundColor)
	}
	d.changed()
	pause := time.NewTimer(0)
	defer pause.Stop()
	minute := time.NewTicker(time.Minute / 4) // for the clock; a frame without a change is no byte
	defer minute.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-d.t.Resized:
			d.mu.Lock()
			narrow := d.narrow()
			d.cols, d.rows = size(d.t)
			switch {
			case d.o.Whole:
			case d.narrow() && d.view == both:
				d.view = onlyShell
			case narrow && !d.narrow() && d.view == onlyShell:
				d.view = both
			}
			d.resize()
			d.mu.Unlock()
		case <-minute.C:
		case <-d.dirty:
		}
		select {
		case <-d.ctx.Done():
			return
		case <-pause.C:
		}
		d.mu.Lock()
		frame := d.frame()
		d.mu.Unlock()
		d.write(frame)
		if len(frame) > small {
			pause.Reset(afterLarge)
		} else {
			pause.Reset(afterSmall)
		}
	}
}

func (d *desk) write(s string) {
	if s != "" {
		_, _ = d.t.Out.Write([]byte(s)) // a terminal that is gone ends the input too
	}
}

const (
	enter     = "\x1b[?1049h\x1b[m\x1b[2J\x1b[H"
	syncBegin = "\x1b[?2026h"
	syncEnd   = "\x1b[?2026l"
)

// leave puts the terminal back.
func (d *desk) leave() string {
	return modes{}.after(d.shown.modes) + "\x1b[m\x1b[?25h\x1b[?1049l"
}

// frame is what brings the terminal from what it shows to what it should; it
// is empty when nothing has changed. The caller holds mu.
func (d *desk) frame() string {
	var b strings.Builder
	was := d.shown
	now := shown{known: true, shell: was.shell, text: was.text}
	height := d.rows - 1
	status := d.status()
	open := height - len(status) + 1 // what the status lies over is drawn when it has gone
	if !was.known {
		b.WriteString("\x1b[m\x1b[2J")
		now.shell, now.text = nil, nil
	}
	origin := d.origin()
	if d.view == onlyText || d.help {
		origin = d.cols
	}
	if origin > 0 {
		now.text = d.textRows(origin, height)
		for y, row := range now.text {
			if y >= open {
				now.text[y] = covered
			} else if y >= len(was.text) || was.text[y] != row || !was.known {
				move(&b, 0, y)
				b.WriteString(row)
			}
		}
	}
	if origin < d.cols {
		columns, _ := d.screen.Size()
		if now.bar = d.bar(d.cols - origin); now.bar != was.bar {
			move(&b, origin, 0)
			b.WriteString(now.bar)
		}
		rows := make([][]byte, max(height-d.top(), 0))
		for y := range rows {
			if y+d.top() >= open {
				rows[y] = []byte(covered)
				continue
			}
			rows[y] = d.shellRow(y, columns)
			if y < len(was.shell) && was.known && bytes.Equal(was.shell[y], rows[y]) {
				continue
			}
			move(&b, origin, y+d.top())
			b.WriteString("\x1b[m\x1b[K")
			b.WriteString(safe.Styled(string(rows[y])))
		}
		now.shell = rows
	}
	if now.status = strings.Join(status, "\n"); now.status != was.status || !was.known {
		for i, line := range status {
			move(&b, 0, open+i)
			b.WriteString("\x1b[m\x1b[K" + safe.Styled(line))
		}
	}
	now.modes = d.wanted().String()
	if now.modes != was.modes {
		b.WriteString(d.wanted().after(was.modes))
	}
	now.cursor = d.cursor()
	d.shown = now
	b.WriteString(d.clipboard)
	d.clipboard = ""
	if b.Len() == 0 && now.cursor == was.cursor {
		return ""
	}
	hide := ""
	if b.Len() > small {
		hide = "\x1b[?25l"
	}
	return syncBegin + hide + b.String() + now.cursor + syncEnd
}

func move(b *strings.Builder, x, y int) {
	b.WriteString("\x1b[")
	b.WriteString(strconv.Itoa(y + 1))
	b.WriteByte(';')
	b.WriteString(strconv.Itoa(x + 1))
	b.WriteByte('H')
}

// cursor is where the cursor goes, and whether it shows.
func (d *desk) cursor() string {
	if d.ask != nil && d.ask.text {
		return fmt.Sprintf("\x1b[%d;%dH\x1b[?25h", d.rows, min(ansi.StringWidth(d.askLine())+1, d.cols))
	}
	x, y, visible := d.screen.Cursor()
	if !visible || d.help || d.view == onlyText || d.scrolling == theShell {
		return "\x1b[?25l"
	}
	return fmt.Sprintf("\x1b[%d;%dH\x1b[?25h", y+1+d.top(), d.origin()+x+1)
}

// modes are those of the learner's terminal that follow the shell's programs.
type modes struct {
	on           [len(followed)]bool
	keypad       bool
	other, kitty int
	shape        int
}

// followed are DEC private modes: cursor keys, focus, pasting, and the mouse,
// which is always asked to report as SGR does.
var followed = [...]int{1, 1004, 2004, 9, 1000, 1002, 1003, 1006}

func (d *desk) wanted() (m modes) {
	for i, n := range followed {
		m.on[i] = d.screen.Mode(n)
	}
	m.on[7] = m.on[3] || m.on[4] || m.on[5] || m.on[6]
	m.keypad, m.shape = d.screen.Keypad(), d.screen.CursorShape()
	m.other, m.kitty = d.screen.Keys()
	if d.command() { // our own keys are plain ones
		m = modes{shape: m.shape}
		m.on[2] = true
	}
	return m
}

func (m modes) String() string { return m.after("") }

// after is what brings a terminal into these modes from those that was says.
// All of them are set: it is seldom, and some end each other.
func (m modes) after(string) string {
	var b strings.Builder
	for _, on := range []bool{false, true} {
		for i, n := range followed {
			if m.on[i] == on {
				b.WriteString("\x1b[?" + strconv.Itoa(n) + map[bool]string{true: "h", false: "l"}[on])
			}
		}
	}
	if m.keypad {
		b.WriteString("\x1b=")
	} else {
		b.WriteString("\x1b>")
	}
	fmt.Fprintf(&b, "\x1b[>4;%dm\x1b[=%d;1u\x1b[%d q", m.other, m.kitty, m.shape)
	return b.String()
}

// textRows are the rows left of the shell, or in its place.
func (d *desk) textRows(width, height int) []string {
	beside := width < d.cols
	lines, above := d.textLines(), d.offset > 0
	if d.help {
		lines = d.helpLines()
		d.helpAt = min(d.helpAt, max(0, len(lines)-height))
		lines, above = lines[d.helpAt:], d.helpAt > 0
	}
	below := len(lines) > height
	rows := make([]string, height)
	for y := range rows {
		line, edge := "", " "
		if y < len(lines) {
			line = lines[y]
		}
		switch {
		case y == 0 && above:
			edge = d.theme.Accent.Render("↑")
		case y == height-1 && below:
			edge = d.theme.Accent.Render("↓")
			if beside {
				line = " " + d.theme.Faint.Render(d.theme.Tf("more: %s", d.key("↓")))
			}
		case beside:
			edge = d.theme.Faint.Render("│")
		}
		if beside || edge != " " {
			rows[y] = "\x1b[m" + safe.Styled(widget.Fit(line, width-1)) + edge
		} else {
			rows[y] = "\x1b[m\x1b[K" + safe.Styled(ansi.Truncate(line, width, "…"))
		}
	}
	return rows
}
