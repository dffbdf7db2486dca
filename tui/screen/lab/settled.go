package lab

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// settled begins a command once the program has stopped drawing. Bubble Tea
// 2.0.8 stops the ticker of its drawing in a goroutine that it does not wait
// for: a command that ends at once, such as a shell that can't be reached, lets
// the program start the ticker again before that, and the screen stays blank
// for good.
type settled struct{ tea.ExecCommand }

// settling is far more than the goroutine needs, and less than anybody notices.
const settling = 20 * time.Millisecond

func (s settled) Run() error {
	<-time.After(settling)
	return s.ExecCommand.Run()
}
