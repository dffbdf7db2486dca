package paint

import (
	"bytes"
	"runtime"
	"sync"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// burst is how many frames may follow each other at once after a rest, such as a
// page, what it is filled with, and what a key has changed.
const burst = 4

// rest is how long no frame follows one, in the time that this has taken to make:
// who claims to have a large screen has a part of a processor for it, and no more.
const rest = 3

// draw shows the model as it is, unless that has to wait: for what isn't known
// yet, for the terminal to have taken the frame before, or for its time. Each of
// them ends with a message that leads here again.
func (p *Program) draw() {
	if p.model == nil || p.told != (told{true, true, true}) || p.pen.busy() || p.early() {
		return
	}
	var frame string
	began := time.Now()
	p.whole(func() {
		text := p.model.View().Content
		if !p.known || text != p.shown {
			frame = p.frame(text)
		}
		p.shown, p.known = text, true
	})
	if frame != "" && p.synced {
		frame = ansi.SetModeSynchronizedOutput + frame + ansi.ResetModeSynchronizedOutput
	}
	if !p.pen.write(frame, func() { p.tea.Send(written{}) }) {
		return
	}
	p.next = p.next.Add(p.o.Pace)
	now := time.Now()
	if rested := now.Add(rest * now.Sub(began)); p.next.Before(rested) {
		p.next = rested
	}
}

// early reports whether it is too early for a frame, and sees to it that one is
// asked for in time.
func (p *Program) early() bool {
	now := time.Now()
	if rested := now.Add(-(burst - 1) * p.o.Pace); p.next.Before(rested) {
		p.next = rested
	}
	wait := p.next.Sub(now)
	if wait > 0 && !p.timed {
		p.timed = true
		time.AfterFunc(wait, func() { p.tea.Send(due{}) })
	}
	return wait > 0
}

// frame is what brings the terminal from the text that it shows to another. Nothing
// is kept for that: what is on the terminal follows from its text, but for where the
// cursor has been left, and each frame says where it begins.
func (p *Program) frame(text string) string {
	c := canvasFor(kind{uv.Environ(p.o.Env).Getenv("TERM"), p.columns, p.rows})
	c.screen.SetColorProfile(p.o.Colours)
	c.screen.SetWidthMethod(p.method)
	c.cells.Method = p.method
	c.screen.Erase()
	if p.known {
		c.put(p.shown)
		c.forget()
	}
	c.put(text)
	_ = c.screen.Flush() // to memory
	frame := c.out.String()
	c.forget()
	if p.columns*p.rows <= common {
		canvases.of(c.kind).Put(c)
	}
	return frame
}

// A canvas is what a frame is made with: the cells of a screen, twice. That is most
// of what a screen takes, so those that are drawn at the same time have one each,
// and the others none.
type canvas struct {
	kind
	out    bytes.Buffer
	screen *uv.TerminalRenderer
	cells  uv.ScreenBuffer
}

// A kind is what a canvas is for.
type kind struct {
	term          string
	columns, rows int
}

// shared are canvases that nobody draws with.
type shared struct {
	mu   sync.Mutex
	kept map[kind]*sync.Pool
}

var canvases = shared{kept: map[kind]*sync.Pool{}}

// kinds is of how many canvases are kept: anybody may think out new ones.
const kinds = 64

func (s *shared) of(k kind) *sync.Pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[k] == nil {
		if len(s.kept) == kinds {
			clear(s.kept)
		}
		s.kept[k] = new(sync.Pool)
	}
	return s.kept[k]
}

// common is how many cells a canvas has at most that is kept for others.
const common = 250 * 80

func canvasFor(k kind) *canvas {
	if c, ok := canvases.of(k).Get().(*canvas); ok {
		return c
	}
	c := &canvas{kind: k, cells: uv.NewScreenBuffer(k.columns, k.rows)}
	c.screen = uv.NewTerminalRenderer(&c.out, []string{"TERM=" + k.term})
	c.screen.SetFullscreen(true)
	c.screen.SetTabStops(-1)
	c.screen.SetBackspace(true)
	c.screen.SetScrollOptim(runtime.GOOS != "windows") // microsoft/terminal#19016
	return c
}

func (c *canvas) put(text string) {
	uv.NewStyledString(text).Draw(c.cells, c.cells.Bounds())
	c.screen.Render(c.cells.RenderBuffer)
}

// forget drops what has been written, and where the cursor is and how it writes:
// also that it may stand behind the end of a line. Nothing else saves it.
func (c *canvas) forget() {
	c.screen.MoveTo(0, 0)
	_ = c.screen.Flush()
	c.out.Reset()
	c.screen.RestoreCursor()
}
