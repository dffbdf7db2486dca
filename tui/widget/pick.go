package widget

import (
	"fmt"
	"strconv"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// Pick chooses one of a text's numbered blocks to copy.
type Pick struct {
	Blocks []markdown.Block
	Active bool // the next key is a number
}

// Start begins to choose, when there is anything to choose from.
func (p *Pick) Start() tea.Cmd {
	p.Active = len(p.Blocks) > 0
	return nil
}

// Press takes the key that chooses, and returns the chosen block with the
// command that puts it on the terminal's clipboard. Any other key is a no.
func (p *Pick) Press(k tea.KeyPressMsg) (*markdown.Block, tea.Cmd) {
	p.Active = false
	n, err := strconv.Atoi(k.String())
	if k.String() == "enter" || k.String() == "y" {
		n, err = 1, nil
	}
	if err != nil || n < 1 || n > len(p.Blocks) {
		return nil, nil
	}
	b := p.Blocks[n-1]
	return &b, tea.SetClipboard(b.Code)
}

// Keys are the keys while choosing.
func (p *Pick) Keys() []key.Binding {
	last := min(len(p.Blocks), 9)
	return []key.Binding{theme.Bind(fmt.Sprintf("1-%d", last), "copy that block"), theme.Bind("esc", "cancel")}
}
