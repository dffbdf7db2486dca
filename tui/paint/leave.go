package paint

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// forAnswer is how long an answer may take that who leaves waits for. One that comes
// later would be typed into their shell.
const forAnswer = 200 * time.Millisecond

// stays reports whether it is too early to leave, and has msg come again when it
// isn't.
func (p *Program) stays(msg tea.Msg) bool {
	left := p.pen.unanswered()
	if left <= 0 {
		return false
	}
	if p.leaving == nil {
		time.AfterFunc(left, func() { p.tea.Send(msg) })
	}
	p.leaving = msg
	return true
}

// unanswered is how long to wait at most for what the terminal was asked.
func (p *pen) unanswered() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == 0 {
		return 0
	}
	return forAnswer - time.Since(p.asked)
}

// answered notes an answer, and reports whether it was the last one.
func (p *pen) answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = max(p.open-1, 0)
	return p.open == 0
}
