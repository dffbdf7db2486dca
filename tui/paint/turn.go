package paint

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/labssh"
)

// Open takes the terminal: at first, and again after it was lent. Of it In, Out,
// Size and Resized count; In may be a Loan. restore puts it back, and ends a read
// that is under way; nil where there is nothing to put back.
type Open func() (t labssh.Terminal, restore func(), err error)

// A Lending is the message by which a terminal is lent.
type Lending struct {
	to   func() error
	then func(error) tea.Msg
}

// Lend gives the terminal away until to returns, which is told to the model. Nothing
// else happens meanwhile. It stands for tea.Exec, which would have Bubble Tea take
// a terminal back that it never had.
func Lend(to func() error, then func(error) tea.Msg) tea.Cmd {
	return func() tea.Msg { return Lending{to, then} }
}

func (p *Program) lend(l Lending) {
	p.giveBack()
	var err error
	p.whole(func() { err = l.to() })
	p.takeAgain()
	go p.tea.Send(l.then(err))
}

// suspend stops until the process is continued.
func (p *Program) suspend() {
	if p.o.Suspend == nil {
		return
	}
	p.giveBack()
	_ = p.o.Suspend() // at worst we go on at once
	p.takeAgain()
	go p.tea.Send(tea.ResumeMsg{})
}

func (p *Program) takeAgain() {
	p.told.size, p.known = false, false // it may be another one by now
	if p.failed = p.take(); p.failed != nil {
		go p.tea.Quit()
	}
}

// take makes the terminal ours.
func (p *Program) take() error {
	t, restore, err := p.open()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(p.ctx)
	in := newInput(t.In, p.tea.Send)
	p.pen.take(t.Out, func() {
		end()
		if restore != nil {
			restore()
		}
		in.close()
	})
	go func() {
		defer close(in.done)
		err := in.keys.read(in) // ends when restore, or the end of the terminal, unblocks it
		if ctx.Err() == nil {
			in.take(gone{err})
		}
	}()
	go p.sizes(ctx, t)
	return nil
}

// giveBack leaves the terminal as it was. It may be called again.
func (p *Program) giveBack() { p.pen.leave(p.patiently) }

// patience is how long a terminal that takes nothing may keep a program from ending.
const patience = time.Second

// patiently waits for something to be done, and reports whether it is.
func (p *Program) patiently(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-p.ctx.Done():
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}

// sizes tells the model how large the terminal is, until the end of ctx.
func (p *Program) sizes(ctx context.Context, t labssh.Terminal) {
	select {
	case <-t.Resized: // which we see anyway
	default:
	}
	for {
		columns, rows := size(t)
		p.tea.Send(tea.WindowSizeMsg{Width: columns, Height: rows})
		select {
		case <-ctx.Done():
			return
		case <-t.Resized:
		}
	}
}

// The largest screen that is drawn: more than there is anywhere, and no more memory
// than one can have who claims to have such a screen.
const (
	widest = 500
	cells  = 1 << 15
)

func size(t labssh.Terminal) (columns, rows int) {
	if t.Size != nil {
		columns, rows = t.Size()
	}
	if columns < 1 || rows < 1 {
		return 80, 24
	}
	return drawn(columns, rows)
}

// drawn is what is drawn of a screen.
func drawn(columns, rows int) (int, int) {
	columns = min(columns, widest)
	return columns, min(rows, cells/columns)
}
