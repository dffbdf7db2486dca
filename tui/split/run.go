package split

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/vt"
)

// How long a Ctrl-C gets to settle, and a terminal to be there, and what counts
// as settled.
const (
	settleIn = 2 * time.Second
	opensIn  = 20 * time.Second
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
		d.say(d.theme.Tf("There is no block %d.", n))
		return
	}
	b := d.blocks[n-1]
	if b.File.Path != "" {
		d.writeFile(b)
		return
	}
	if d.view == onlyText {
		d.turnTo(both)
	}
	if b.Open && !b.Exec {
		d.edit(b.Code)
		return
	}
	if !b.Exec {
		d.say(d.theme.Tf("Block %d is for copying: %s.", n, d.key("y")))
		return
	}
	t, made := d.forBlock(b)
	if t == nil {
		return
	}
	d.show(t)
	switch {
	case made:
		d.work("Opening another terminal…", func(ctx context.Context) func() {
			d.settle(ctx, t, opensIn)
			return func() { d.put(t, b) }
		})
	case b.Interrupt:
		t.typeKeys([]byte{3})
		d.work("Interrupting…", func(ctx context.Context) func() {
			d.settle(ctx, t, settleIn)
			return func() { d.put(t, b) }
		})
	default:
		d.put(t, b)
	}
}

// forBlock is the terminal that a block runs in, and whether it has just been
// opened; nil when there is none, which it says.
func (d *desk) forBlock(b markdown.Block) (t *tab, made bool) {
	p := d.place
	switch {
	case b.Host > 1 && b.Host > len(d.lab.Hosts):
		d.say(d.theme.Tf("This lab has no host %d.", b.Host))
		return nil, false
	case b.Host > 0:
		p = place{}
		if len(d.lab.Hosts) > 0 {
			p.host = d.host(d.lab.Hosts[b.Host-1])
		}
		if b.Terminal > 1 {
			p.name = d.numbered(b.Terminal).name
		}
	case b.Terminal > 1:
		p = d.numbered(b.Terminal)
	case b.Terminal == 1:
		p = place{}
	}
	if t, made = d.at(p); t == nil {
		d.say(d.theme.Tf("There are %d terminals, which is enough: close one with exit.", len(d.tabs)))
	}
	return t, made
}

// settle waits until a shell has printed something and been quiet for a moment
// since, but not for longer than most.
func (d *desk) settle(ctx context.Context, t *tab, most time.Duration) {
	end := time.NewTimer(most)
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
		last := t.printed
		d.mu.Unlock()
		if last.IsZero() {
			continue
		}
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
func (d *desk) put(t *tab, b markdown.Block) {
	code := strings.TrimRight(strings.ReplaceAll(b.Code, "\r\n", "\n"), "\n")
	if b.Keys {
		t.typeKeys([]byte(vt.Keystrokes(code)))
		return
	}
	enter := !b.NoEnter && !placeholder(code)
	if t.screen.Mode(2004) {
		t.typeKeys([]byte(pasteOn + strings.ReplaceAll(code, "\x1b", "") + pasteOff))
	} else {
		t.typeKeys([]byte(strings.ReplaceAll(code, "\n", "\r")))
	}
	if enter {
		t.typeKeys([]byte("\r"))
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
