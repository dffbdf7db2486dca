package split

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/vt"
	"github.com/cloudmastershub/cmh/words"
)

// A tab is one of the lab's terminals. One of them is shown, and what is typed
// is its; the others go on meanwhile. The desk's mu guards it.
type tab struct {
	place
	screen  *vt.Screen
	printed time.Time     // when its shell last printed; zero is not yet
	outbox  []byte        // for its shell
	typed   chan struct{} // there is something in outbox
	resized chan struct{}
	back    int // the line that is uppermost while one looks back
}

// A place is where in the lab a terminal is. The zero place is the lab's first
// host, at the first terminal there that nobody is at.
type place struct {
	host string // empty is the first
	name string // as the lab calls it
}

// maxTabs is as many as can be told apart in a line, and fewer than a lab lets
// one open.
const maxTabs = 9

func (d *desk) newTab(p place) *tab {
	t := &tab{place: p, screen: vt.New(d.pane()), typed: make(chan struct{}, 1), resized: make(chan struct{}, 1)}
	t.screen.Asked = func(kind string, n int) { t.typeRaw([]byte(t.screen.Answer(kind, n))) }
	return t
}

// An end is how a terminal ended.
type end struct {
	tab      *tab
	status   int
	detached bool
	err      error
}

// serve connects a tab, and tells how it ended.
func (d *desk) serve(t *tab) {
	shellEnds, keys := io.Pipe()
	ctx, cancel := context.WithCancel(d.ctx)
	d.parts.Go(func() { d.send(ctx, t, keys) })
	d.parts.Go(func() {
		defer cancel()
		inner := labssh.Terminal{
			In: shellEnds, Out: writer{d, t}, Name: d.t.Name, Session: t.name,
			Size: d.paneSize, Resized: t.resized, Say: d.sayLine,
		}
		if d.o.Words != (words.Speaker{}) {
			inner.Language = d.o.Words.Language()
		}
		e := end{tab: t}
		e.status, e.detached, e.err = d.attach(ctx, inner, t.host)
		_ = shellEnds.Close()
		select {
		case d.ended <- e:
		case <-d.ctx.Done():
		}
	})
}

// wait returns how the last terminal ended, or the one that the learner
// left.
func (d *desk) wait() end {
	for {
		select {
		case e := <-d.ended:
			if d.ctx.Err() != nil {
				return end{err: context.Cause(d.ctx)}
			}
			if e.detached || d.closed(e) {
				if d.handed() {
					return end{err: errFinished}
				}
				return e
			}
		case <-d.ctx.Done():
			return end{err: context.Cause(d.ctx)}
		}
	}
}

// handed reports whether the lab has ended because it was handed in, whose answer
// may come later than the end of its shell.
func (d *desk) handed() bool {
	d.mu.Lock()
	handing := d.handing
	d.mu.Unlock()
	if handing {
		d.working.Wait()
	}
	return errors.Is(context.Cause(d.ctx), errFinished)
}

// closed takes away the tab of a terminal that has ended, and reports whether
// it was the last.
func (d *desk) closed(e end) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.tabs) == 1 {
		return true
	}
	var left []*tab
	for i, t := range d.tabs {
		if t != e.tab {
			left = append(left, t)
		} else if t == d.tab {
			d.tab = d.tabs[max(i-1, 0)]
			if i == 0 {
				d.tab = d.tabs[1]
			}
		}
	}
	d.tabs, d.scrolling = left, nothing
	if e.err != nil {
		d.say(hub.MessageOf(e.err))
	}
	d.resize()
	return false
}

// at returns the tab of a place, and makes it where there is none; nil when
// there are too many.
func (d *desk) at(p place) (t *tab, made bool) {
	for _, t := range d.tabs {
		if t.place == p {
			return t, false
		}
	}
	if len(d.tabs) >= maxTabs || d.ctx.Err() != nil {
		return nil, false
	}
	t = d.newTab(p)
	d.tabs = append(d.tabs, t)
	d.resize() // a second one takes a row for the tabs
	d.serve(t)
	return t, true
}

func (d *desk) show(t *tab) {
	d.tab, d.scrolling = t, nothing
	if d.view == onlyText {
		d.turnTo(both)
	}
	d.changed()
}

// nextTab shows the next terminal, and opens a second one where there is one.
func (d *desk) nextTab() {
	if len(d.tabs) == 1 {
		d.addTab()
		return
	}
	for i, t := range d.tabs {
		if t == d.tab {
			d.show(d.tabs[(i+1)%len(d.tabs)])
			return
		}
	}
}

// addTab opens one more terminal on the host of the current one.
func (d *desk) addTab() {
	for n := 2; ; n++ {
		p := place{d.tab.host, fmt.Sprintf("main-%d", n)}
		taken := false
		for _, t := range d.tabs {
			taken = taken || t.place == p
		}
		if taken {
			continue
		}
		if t, _ := d.at(p); t != nil {
			d.show(t)
		} else {
			d.say(d.theme.Tf("There are %d terminals, which is enough.", len(d.tabs)))
		}
		return
	}
}

// others opens the terminals that the lab's author wants beside the first.
func (d *desk) others() {
	for i := range d.lab.Terminals {
		d.at(d.numbered(i + 2))
	}
}

// numbered is the place of terminal n, from 2.
func (d *desk) numbered(n int) place {
	if i := n - 2; i < len(d.lab.Terminals) {
		t := d.lab.Terminals[i]
		return place{d.host(t.Host), t.Session}
	}
	return place{"", fmt.Sprintf("main-%d", n)}
}

// host is a host's name as places have it.
func (d *desk) host(name string) string {
	if len(d.lab.Hosts) > 0 && strings.EqualFold(name, d.lab.Hosts[0]) {
		return ""
	}
	return strings.ToLower(name)
}

// label names a tab for the learner.
func (d *desk) label(t *tab) string {
	where := t.host
	if where == "" && len(d.lab.Hosts) > 0 {
		where = d.lab.Hosts[0]
	}
	name := t.name
	for _, w := range d.lab.Terminals {
		if w.Session == name {
			name = w.Name
		}
	}
	if name == "" {
		name = "main"
	}
	if where != "" {
		name = where + ":" + name
	}
	return safe.Line(name)
}

// bar is the line of tabs over the shell; empty while there is one only.
func (d *desk) bar(width int) string {
	if len(d.tabs) < 2 {
		return ""
	}
	var parts []string
	for i, t := range d.tabs {
		text := fmt.Sprintf(" %d %s ", i+1, d.label(t))
		if t == d.tab {
			text = d.theme.Selected.Render("›" + text[1:])
		} else {
			text = d.theme.Faint.Render(text)
		}
		parts = append(parts, text)
	}
	return "\x1b[m" + safe.Styled(widget.Fit(strings.Join(parts, d.theme.Faint.Render("│")), width))
}

// top is how many rows of the pane the tabs take.
func (d *desk) top() int {
	if len(d.tabs) > 1 {
		return 1
	}
	return 0
}

// writer is where a shell prints.
type writer struct {
	d *desk
	t *tab
}

// Write takes a little at a time: a key that comes meanwhile waits for no more
// than that.
func (w writer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), 2048)
		w.d.mu.Lock()
		w.t.screen.Write(rest[:n])
		w.t.printed = time.Now()
		shown := w.t == w.d.tab
		w.d.mu.Unlock()
		if rest = rest[n:]; shown {
			w.d.changed()
		}
	}
	return len(p), nil
}

// send hands what is typed on to a shell, which may be slow to take it.
func (d *desk) send(ctx context.Context, t *tab, keys *io.PipeWriter) {
	defer keys.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.typed:
		}
		d.mu.Lock()
		out := t.outbox
		t.outbox = nil
		d.mu.Unlock()
		if len(out) > 0 {
			if _, err := keys.Write(out); err != nil {
				return
			}
		}
	}
}

// maxOutbox is more than anybody types or pastes ahead.
const maxOutbox = 4 << 20

// typeRaw hands bytes to the connection as they are; the caller holds mu.
func (t *tab) typeRaw(p []byte) {
	if len(p) > 0 && len(t.outbox)+len(p) <= maxOutbox {
		t.outbox = append(t.outbox, p...)
		poke(t.typed)
	}
}

// typeKeys types p into the shell. The connection's own key has to be doubled
// to get there.
func (t *tab) typeKeys(p []byte) {
	for _, b := range p {
		if b == labssh.Detach {
			t.typeRaw([]byte{labssh.Detach})
		}
		t.typeRaw([]byte{b})
	}
}
