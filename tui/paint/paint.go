// Package paint runs a model of Bubble Tea on a terminal, and draws it when it
// has changed: at once, if the frames before were long enough ago. While nothing
// changes nothing runs, nothing is sent, and of a screen only its text is kept, so
// that a server can hold a thousand of them. Bubble Tea does the rest, without a
// renderer, an input and a terminal: those are ours.
//
// A model's View is its Content, alone on the alternate screen and without a cursor.
// Of Bubble Tea's commands those do nothing that are for a renderer or a terminal of
// its own: ClearScreen, Println and Printf, SetClipboard and ReadClipboard, and those
// that Request. There is Raw for what they send, and Lend for what Exec does.
package paint

import (
	"context"
	"errors"
	"io"
	"reflect"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// Options are what surrounds a program.
type Options struct {
	Env     []string             // the terminal's: TERM and the like
	Colours colorprofile.Profile // that it has; Unknown: by Env
	Pace    time.Duration        // between frames, when many follow each other
	Suspend func() error         // stops the process until it is continued; nil where nobody could do that
}

// A Program is one model on one terminal.
type Program struct {
	ctx  context.Context
	tea  *tea.Program
	open Open
	o    Options
	pen  pen
	once sync.Once

	// What follows is for Bubble Tea's loop alone.
	model         tea.Model
	told          told
	columns, rows int
	method        ansi.Method
	synced        bool      // frames can be shown as a whole
	shown         string    // the text on the terminal
	known         bool      // that it still is there, as it was drawn
	next          time.Time // when that may be, or earlier
	timed         bool      // it will be asked for
	failed        error     // the terminal could not be had again
	leaving       tea.Msg   // waits for an answer
}

// told is what has to be known before anything is drawn. It comes in any order.
type told struct{ size, colours, env bool }

// New returns a program to Run once. It ends with ctx.
func New(ctx context.Context, m tea.Model, open Open, o Options) *Program {
	if o.Colours == colorprofile.Unknown {
		o.Colours = colorprofile.Env(o.Env)
	}
	p := &Program{ctx: ctx, open: open, o: o, pen: pen{asks: questions(o.Env)}}
	p.tea = tea.NewProgram(painted{m, p},
		tea.WithContext(ctx), tea.WithFilter(p.hears), tea.WithEnvironment(o.Env), tea.WithColorProfile(o.Colours),
		tea.WithoutRenderer(), tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithoutSignalHandler(), tea.WithFPS(1))
	return p
}

// Run shows the program until it quits; its errors are Bubble Tea's. Whatever has
// ended it, the terminal is as it was before, unless it takes nothing any more.
func (p *Program) Run() error {
	if err := p.take(); err != nil {
		return err
	}
	defer p.giveBack()
	_, err := p.tea.Run()
	if p.failed != nil {
		return p.failed
	}
	return err
}

// Send gives the model a message. It waits for the program to run, and does nothing
// once that has ended.
func (p *Program) Send(msg tea.Msg) { p.tea.Send(msg) }

// painted is the model as Bubble Tea has it, to which it shows nothing.
type painted struct {
	tea.Model
	p *Program
}

func (m painted) Init() (cmd tea.Cmd) {
	m.p.whole(func() { cmd = m.Model.Init() })
	return m.p.guarded(cmd)
}

func (m painted) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	m.p.whole(func() { m.Model, cmd = m.Model.Update(msg) })
	return m, m.p.guarded(cmd)
}

// View is asked for after each message.
func (m painted) View() tea.View {
	m.p.model = m.Model
	m.p.draw()
	return tea.View{}
}

// whole does something of the model's. If that panics, the terminal is given back
// first: what Bubble Tea prints of it is there to be read.
func (p *Program) whole(do func()) {
	done := false
	defer func() {
		if !done {
			p.giveBack()
		}
	}()
	do()
	done = true
}

func (p *Program) guarded(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		p.whole(func() { msg = cmd() })
		for i, more := range inner(msg) {
			inner(msg)[i] = p.guarded(more)
		}
		return msg
	}
}

// inner are the commands that a message is: a batch, or a sequence, whose type
// Bubble Tea keeps to itself.
func inner(msg tea.Msg) []tea.Cmd {
	cmds := reflect.TypeFor[[]tea.Cmd]()
	if v := reflect.ValueOf(msg); v.IsValid() && v.CanConvert(cmds) {
		return v.Convert(cmds).Interface().([]tea.Cmd)
	}
	return nil
}

// due says that it is time for the next frame, written that the last one is there,
// a crash what has panicked beside the loop, and gone that nobody types any more.
type (
	due     struct{}
	written struct{}
	crash   string
	gone    struct{ error }
)

// hears sees each message first, in Bubble Tea's loop, and keeps those that are
// about the terminal.
func (p *Program) hears(_ tea.Model, msg tea.Msg) (rest tea.Msg) {
	p.whole(func() { rest = p.hear(msg) })
	return rest
}

func (p *Program) hear(msg tea.Msg) tea.Msg {
	// Its ticker would wake us for good, and there is no terminal to give back.
	// Nobody waits for that: it ends by itself, and has nothing of ours.
	p.once.Do(func() { go func() { _ = p.tea.ReleaseTerminal() }() })
	switch msg := msg.(type) {
	case heard:
		if msg := msg.in.next(); msg != nil {
			return p.hear(msg)
		}
		return nil
	case due:
		p.timed = false
		p.draw()
		return nil
	case written:
		p.draw()
		return nil
	case crash:
		panic(string(msg))
	case gone:
		if !errors.Is(msg.error, io.EOF) {
			p.failed = msg.error
		}
		return tea.Quit()
	case tea.RawMsg:
		if s, ok := msg.Msg.(string); ok {
			p.pen.adds(s)
		}
		p.draw()
		return nil
	case Lending:
		p.lend(msg)
		return nil
	case tea.QuitMsg, tea.InterruptMsg:
		if p.stays(msg) {
			return nil
		}
	case tea.SuspendMsg:
		p.suspend()
		return nil
	case tea.WindowSizeMsg:
		if msg.Width < 1 || msg.Height < 1 { // Bubble Tea has no terminal to ask
			return nil
		}
		p.columns, p.rows = drawn(msg.Width, msg.Height)
		p.told.size, p.known = true, false
		return tea.WindowSizeMsg{Width: p.columns, Height: p.rows}
	case tea.ColorProfileMsg:
		p.known = p.known && p.o.Colours == msg.Profile
		p.told.colours, p.o.Colours = true, msg.Profile
	case tea.EnvMsg:
		p.told.env = true
	case tea.ModeReportMsg:
		p.reports(msg)
	case tea.KeyPressMsg:
		p.known = p.known && msg.String() != "ctrl+l" // somebody has written over it
	}
	return msg
}

// reports takes what the terminal says of a mode: that it knows it, and whether it
// is on.
func (p *Program) reports(m tea.ModeReportMsg) {
	if p.pen.answered() && p.leaving != nil {
		go p.tea.Send(p.leaving)
	}
	known := m.Value == ansi.ModeSet || m.Value == ansi.ModeReset || m.Value == ansi.ModePermanentlySet
	switch m.Mode {
	case ansi.ModeSynchronizedOutput:
		p.synced = m.Value == ansi.ModeReset
	case ansi.ModeUnicodeCore:
		if !known || p.method == ansi.GraphemeWidth {
			return
		}
		if m.Value == ansi.ModeReset {
			p.pen.clusters()
		}
		p.method, p.known = ansi.GraphemeWidth, false
	}
}
