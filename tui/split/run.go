package split

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/vt"
)

// How long a Ctrl-C gets to settle, and what counts as settled.
const (
	settleIn = 2 * time.Second
	quiet    = 150 * time.Millisecond
)

// runNumber runs block n. Where there are more than nine, the number may have
// another digit.
func (d *desk) runNumber(n int) {
	if n*10 <= len(d.blocks) {
		d.question("Run block", strconv.Itoa(n), func(s string) {
			n, err := strconv.Atoi(s)
			if err != nil {
				n = 0
			}
			d.run(n)
		})
		return
	}
	d.run(n)
}

func (d *desk) run(n int) {
	if n < 1 || n > len(d.blocks) {
		d.say(fmt.Sprintf("There is no block %d.", n))
		return
	}
	b := d.blocks[n-1]
	if d.view == onlyText {
		d.turnTo(both)
	}
	switch {
	case !b.Exec:
		d.say(fmt.Sprintf("Block %d is for copying: %s.", n, d.key("y")))
	case b.Host > 1:
		d.say(fmt.Sprintf("Block %d is for host %d: go there in the shell first, and copy it with %s.", n, b.Host, d.key("y")))
	case b.Terminal > 1:
		d.say(fmt.Sprintf("Block %d is for terminal %d: copy it with %s, and paste it there (cmh lab attach --terminal %s).", n, b.Terminal, d.key("y"), d.terminal(b.Terminal)))
	case b.Interrupt:
		d.typeKeys([]byte{3})
		d.work("Interrupting…", func(ctx context.Context) func() {
			d.settle(ctx)
			return func() { d.put(b) }
		})
	default:
		d.put(b)
	}
}

// terminal is what the lab calls its terminal n.
func (d *desk) terminal(n int) string {
	for i, t := range d.lab.Terminals {
		if i == n-2 { // they are those besides the first
			return safe.Line(t.Session)
		}
	}
	return fmt.Sprintf("main-%d", n)
}

// settle waits until the shell has been quiet for a moment.
func (d *desk) settle(ctx context.Context) {
	end := time.NewTimer(settleIn)
	defer end.Stop()
	tick := time.NewTicker(quiet / 3)
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-tick.C:
		}
		d.mu.Lock()
		last := d.printed
		d.mu.Unlock()
		if last.Before(began) {
			last = began
		}
		if time.Since(last) > quiet {
			return
		}
	}
}

// put types a block as the learner would: as one paste where the shell knows
// what that is, line by line where not. The last Enter is left to the learner
// where the block has something to fill in.
func (d *desk) put(b markdown.Block) {
	code := strings.TrimRight(strings.ReplaceAll(b.Code, "\r\n", "\n"), "\n")
	if b.Keys {
		d.typeKeys([]byte(vt.Keystrokes(code)))
		return
	}
	enter := !b.NoEnter && !placeholder(code)
	if d.screen.Mode(2004) {
		d.typeKeys([]byte(pasteOn + strings.ReplaceAll(code, "\x1b", "") + pasteOff))
	} else {
		d.typeKeys([]byte(strings.ReplaceAll(code, "\n", "\r")))
	}
	if enter {
		d.typeKeys([]byte("\r"))
	} else if !b.NoEnter {
		d.say("Fill in what stands in <angle brackets>, then press Enter.")
	}
}

var something = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[A-Za-z][A-Za-z0-9 _-]*>`) })

// placeholder reports whether code has a word for the learner to replace. What
// looks like one in a here-document is HTML.
func placeholder(code string) bool {
	return !strings.Contains(code, "<<") && !strings.Contains(code, "</") && something().MatchString(code)
}
