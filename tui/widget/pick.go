package widget

import (
	"fmt"
	"strconv"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// Pick chooses one of a text's numbered blocks to copy.
type Pick struct {
	Blocks []markdown.Block
	Active bool   // the next key is a number, or a part of one
	typed  string // of a number that may go on
}

// Start begins to choose, when there is anything to choose from.
func (p *Pick) Start() tea.Cmd {
	p.Active, p.typed = len(p.Blocks) > 0, ""
	return nil
}

// Press takes a key, and returns the chosen block with the command that puts it
// on the terminal's clipboard. A number is chosen as soon as no longer one can be
// meant; any other key is a no.
func (p *Pick) Press(k tea.KeyPressMsg) (*markdown.Block, tea.Cmd) {
	p.Active = false
	typed := p.typed + k.String()
	if k.String() == "enter" || k.String() == "y" {
		if typed = p.typed; typed == "" {
			typed = "1"
		}
		return p.choose(typed)
	}
	if n, err := strconv.Atoi(typed); err == nil && n > 0 && n*10 <= len(p.Blocks) {
		p.Active, p.typed = true, typed
		return nil, nil
	}
	return p.choose(typed)
}

func (p *Pick) choose(typed string) (*markdown.Block, tea.Cmd) {
	n, err := strconv.Atoi(typed)
	if err != nil || n < 1 || n > len(p.Blocks) {
		return nil, nil
	}
	b := p.Blocks[n-1]
	return &b, tea.Raw(ansi.SetSystemClipboard(b.Code))
}

// Keys are the keys while choosing.
func (p *Pick) Keys() []key.Binding {
	if p.typed != "" {
		return []key.Binding{theme.Bind(p.typed+"…", "copy that block"), theme.Bind("enter", "copy"), theme.Bind("esc", "cancel")}
	}
	return []key.Binding{theme.Bind(fmt.Sprintf("1-%d", len(p.Blocks)), "copy that block"), theme.Bind("esc", "cancel")}
}
