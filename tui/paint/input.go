package paint

import (
	"io"
	"sync"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// A Loan is a terminal's input that somebody can take from the screens at any
// moment: it isn't Ours then, and reading it ends, as it does when the terminal is
// given back. Whatever nobody has heard by then is unread, for whoever is next.
type Loan interface {
	io.Reader
	Ours() bool
	Unread(typed []byte)
}

// input is what comes from the terminal while it is ours. It is read beside the
// program's loop and waits to be asked for by it, one message after the other: a
// reader who sent them would keep one for a loop that has lent the terminal since.
type input struct {
	send func(tea.Msg)
	from io.Reader
	keys keys
	done chan struct{} // closed once nobody reads

	mu    sync.Mutex
	more  sync.Cond
	waits []stroke
	asks  bool // the loop has been told that something waits
	over  bool
}

// A stroke is a message, and what was typed for it.
type stroke struct {
	msg   tea.Msg
	typed []byte
}

// heard says that something waits.
type heard struct{ in *input }

func newInput(from io.Reader, send func(tea.Msg)) *input {
	in := &input{send: send, from: from, done: make(chan struct{})}
	in.more.L = &in.mu
	in.keys.send = in.take
	return in
}

// Read reads the terminal once everything before has been heard.
func (in *input) Read(p []byte) (int, error) {
	in.mu.Lock()
	for len(in.waits) > 0 && !in.over {
		in.more.Wait()
	}
	over := in.over
	in.mu.Unlock()
	if over {
		return 0, io.EOF
	}
	return in.from.Read(p)
}

// take keeps what has been read and concerns somebody: what was typed, and what the
// terminal answers to our questions. The size is no answer.
func (in *input) take(event tea.Msg) {
	var s stroke
	switch event := event.(type) {
	case uv.KeyPressEvent:
		s = stroke{tea.KeyPressMsg(event), in.keys.seq}
	case uv.PasteEvent:
		s = stroke{tea.PasteMsg(event), []byte(event.Content)}
	case uv.BackgroundColorEvent:
		s.msg = tea.BackgroundColorMsg(event)
	case uv.ModeReportEvent:
		s.msg = tea.ModeReportMsg(event)
	case uv.UnknownEvent, crash, gone:
		s.msg = event
	default:
		return
	}
	in.keys.seq = nil
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waits = append(in.waits, s)
	in.ask()
}

// ask has the loop take what waits; the caller holds mu.
func (in *input) ask() {
	if len(in.waits) > 0 && !in.asks {
		in.asks = true
		go in.send(heard{in})
	}
}

// next is the loop's next message; nil when there is none for it.
func (in *input) next() tea.Msg {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asks = false
	if loan, is := in.from.(Loan); in.over || len(in.waits) == 0 || is && !loan.Ours() {
		return nil
	}
	msg := in.waits[0].msg
	in.waits = in.waits[1:]
	in.ask()
	in.more.Signal()
	return msg
}

// close ends the input, whose reading the caller has ended.
func (in *input) close() {
	in.mu.Lock()
	in.over = true
	in.more.Signal()
	in.mu.Unlock()
	loan, is := in.from.(Loan)
	if !is {
		return // what has been typed ahead is nobody's
	}
	<-in.done
	in.mu.Lock()
	defer in.mu.Unlock()
	var rest []byte
	for _, s := range in.waits {
		rest = append(rest, s.typed...)
	}
	if rest = append(rest, in.keys.paste...); len(rest) > 0 {
		loan.Unread(rest)
	}
}
