package proof

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/vt"
)

// A learner sits at the terminals of one sandbox and reads before typing on.
// It comes the way learners do: attached over SSH, on a PTY.
type learner struct {
	stage    Stage
	patience time.Duration
	terms    map[seat]*terminal
}

// A seat is a place to type at: a terminal of a host, both from 1.
type seat struct{ host, terminal int }

// first is where learners begin.
var first = seat{1, 1}

func newLearner(stage Stage, patience time.Duration) *learner {
	if patience <= 0 {
		patience = defaultPatience
	}
	return &learner{stage: stage, patience: patience, terms: map[seat]*terminal{}}
}

// leave hangs up. What runs in the terminals goes on.
func (l *learner) leave() {
	l.stage.Clear()
	for _, t := range l.terms {
		<-t.done
	}
}

// at is the terminal at a seat, opened when it is not there or has ended.
func (l *learner) at(ctx context.Context, where seat) (t *terminal, err error) {
	line, login, err := l.stage.Line(ctx, where.host)
	if err != nil {
		return nil, err
	}
	if t := l.terms[where]; t != nil && !t.ended() {
		return t, nil
	}
	name := "main"
	if where.terminal > 1 {
		name = fmt.Sprintf("main-%d", where.terminal)
	}
	if login != "" {
		name += fmt.Sprintf("-host%d", where.host)
	}
	if t, err = openTerminal(line, name); err != nil {
		return nil, fmt.Errorf("open terminal %d: %w", where.terminal, err)
	}
	if where.host == 1 {
		l.findTTY(ctx, t)
	}
	l.terms[where] = t
	if _, err = t.await(ctx, 0, l.patience, nil); err != nil || login == "" {
		return t, err
	}
	prompts := t.count()
	if err := t.press(login + "\r"); err != nil {
		return nil, err
	}
	_, err = t.await(ctx, prompts, l.patience, nil)
	return t, err
}

// settle waits for the scripts that the first terminal sources for a page. One
// that goes on in a shell of its own, or for ever, is not waited for.
func (l *learner) settle(ctx context.Context, page scenario.Page) error {
	left, known, err := l.stage.Sourcing(ctx)
	if err != nil {
		return err
	}
	if (!known || left == 0) && len(page.Foreground) == 0 && l.terms[first] == nil {
		return nil // a terminal is opened when there is something to type
	}
	t, err := l.at(ctx, first)
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	until := time.Now().Add(l.patience)
	for time.Now().Before(until) && (left > 0 || !known && len(page.Foreground) > 0) {
		t.mu.Lock()
		quiet, reads := time.Since(t.last), t.pasting
		prompt := reads || asks.Match(lastLine(t.shown))
		t.mu.Unlock()
		if reads && quiet > quietProgram || !known && prompt && quiet > quietPage {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if left, known, err = l.stage.Sourcing(ctx); err != nil {
			return err
		}
	}
	_, err = t.await(ctx, 0, l.patience, l.idle(t))
	return err
}

// quietPage is how long a terminal rests at a prompt before its page's scripts
// are believed to be over, where nobody says so.
const quietPage = 1500 * time.Millisecond

// work runs the blocks of a page, in order.
func (l *learner) work(ctx context.Context, blocks []scenario.Runnable) error {
	for i, b := range blocks {
		if b.Placeholder() {
			continue // for the learner to fill in
		}
		patience := l.patience
		if b.Terminal > 1 { // what is to go on beside the rest
			patience = min(patience, aside)
		}
		for _, next := range blocks[i+1:] {
			if next.Terminal == b.Terminal && next.Host == b.Host {
				if next.Interrupt || next.Keys { // it isn't meant to end by itself
					patience = min(patience, settled)
				}
				break
			}
		}
		if err := l.block(ctx, b, patience); err != nil {
			return err
		}
	}
	return nil
}

func (l *learner) block(ctx context.Context, b scenario.Runnable, patience time.Duration) error {
	t, err := l.at(ctx, seat{b.Host, b.Terminal})
	if b.Host > 1 && errors.Is(err, labs.ErrNotFound) {
		return nil // a learner would read on as well
	}
	if err != nil {
		return err
	}
	if b.Keys {
		return l.key(ctx, t, b.Code)
	}
	if b.Interrupt {
		err = l.interrupt(ctx, t)
	} else {
		err = l.free(ctx, t)
	}
	if err != nil {
		return err
	}
	if t, err = l.at(ctx, seat{b.Host, b.Terminal}); err != nil { // the old one may have ended
		return err
	}
	return l.paste(ctx, t, b.Code, !b.NoEnter, patience)
}

// free waits until the terminal takes input. A program that stays in front is
// interrupted, as a learner would do who has a next thing to type.
func (l *learner) free(ctx context.Context, t *terminal) error {
	ready, err := t.await(ctx, 0, l.patience, l.idle(t))
	if ready || err != nil {
		return err
	}
	return l.interrupt(ctx, t)
}

const (
	settled = 2 * time.Second  // for output to end after a Ctrl-C
	aside   = 10 * time.Second // for a command in another terminal
)

func (l *learner) interrupt(ctx context.Context, t *terminal) error {
	prompts := t.count()
	if err := t.press("\x03"); err != nil {
		return err
	}
	_, err := t.await(ctx, prompts, settled, nil)
	return err
}

// key presses keys that are written as ^C, ^ESC or plain letters.
func (l *learner) key(ctx context.Context, t *terminal, keys string) error {
	prompts := t.count()
	if err := t.press(vt.Keystrokes(keys)); err != nil {
		return err
	}
	_, err := t.await(ctx, prompts, settled, nil)
	return err
}

// paste types code as one piece where the line editor knows how to take it,
// else line by line, and waits for the end of what it starts.
func (l *learner) paste(ctx context.Context, t *terminal, code string, enter bool, patience time.Duration) error {
	code = strings.TrimRight(code, "\n")
	if t.reads() {
		prompts := t.count()
		if err := t.press(bracketed(code)); err != nil || !enter {
			return err
		}
		if err := t.press("\r"); err != nil {
			return err
		}
		if read, err := t.taken(ctx, prompts, l.patience, l.idle(t)); !read || err != nil {
			return err
		}
		_, err := t.await(ctx, prompts, patience, l.idle(t))
		return err
	}
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		last := i == len(lines)-1
		if err := l.line(ctx, t, line, enter || !last, patience); err != nil {
			return err
		}
	}
	return nil
}

// line types one line and waits for the next prompt.
func (l *learner) line(ctx context.Context, t *terminal, line string, enter bool, patience time.Duration) error {
	prompts, editor := t.count(), t.reads()
	if editor && line != "" {
		line = bracketed(line) // a tab is one, and completes nothing
	}
	if enter {
		line += "\r"
	}
	t.touch()
	if err := t.press(line); err != nil || !enter {
		return err
	}
	if editor {
		if read, err := t.taken(ctx, prompts, l.patience, l.idle(t)); !read || err != nil {
			return err
		}
	}
	_, err := t.await(ctx, prompts, patience, l.idle(t))
	return err
}

func bracketed(code string) string {
	return "\x1b[200~" + strings.NewReplacer("\x1b", "", "\r\n", "\n").Replace(code) + "\x1b[201~"
}

// lines types a solution as somebody does who knows it: a line at a time,
// waiting for each. A line such as ^Z is a key.
func (l *learner) lines(ctx context.Context, text string) error {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		t, err := l.at(ctx, first)
		if err != nil {
			return err
		}
		if keyLine.MatchString(line) {
			if err := l.key(ctx, t, line); err != nil {
				return err
			}
			continue
		}
		if err := l.free(ctx, t); err != nil {
			return err
		}
		if t, err = l.at(ctx, first); err != nil {
			return err
		}
		if err := l.line(ctx, t, strings.TrimSuffix(line, "\r"), true, l.patience); err != nil {
			return err
		}
	}
	return nil
}

var keyLine = regexp.MustCompile(`^\^([A-Z\[\\\]]|ESC)$`)

// script types a whole script as the input of a shell of its own, in the
// learner's home, so that an exit in it ends nothing else.
func (l *learner) script(ctx context.Context, source []byte) error {
	t, err := l.at(ctx, first)
	if err != nil {
		return err
	}
	if err := l.free(ctx, t); err != nil {
		return err
	}
	if t, err = l.at(ctx, first); err != nil {
		return err
	}
	const end = "END-OF-SOLUTION"
	return l.paste(ctx, t, "(cd && bash) <<'"+end+"'\n"+strings.TrimRight(string(source), "\n")+"\n"+end, true, l.patience)
}

// screen is the end of what the learner sees in the first terminal.
func (l *learner) screen() string {
	if t := l.terms[first]; t != nil {
		return t.text()
	}
	return ""
}

// idle reports whether nothing that stands in front of t has work to do: it
// waits for a connection or a key, not for time or for a child.
func (l *learner) idle(t *terminal) func(context.Context) bool {
	return func(ctx context.Context) bool {
		front := 0
		for _, p := range l.processes(ctx) {
			if !strings.Contains(p.state, "+") || t.tty != "" && p.tty != t.tty {
				continue
			}
			front++
			if p.state[0] != 'S' || waking(p.wchan) && !endless[p.command] {
				return false
			}
		}
		return front > 0
	}
}

type process struct{ tty, state, wchan, command string }

// processes are those of the sandbox, as far as it says; none where it has no
// ps.
func (l *learner) processes(ctx context.Context) (all []process) {
	out, status, err := l.stage.Run(ctx, "ps -eo tty=,stat=,wchan:32=,comm=")
	if err != nil || status != 0 {
		return nil
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		if f := strings.Fields(line); len(f) >= 4 {
			all = append(all, process{f[0], f[1], f[2], f[3]})
		}
	}
	return all
}

// findTTY learns which terminal device t is: the one that no other is.
func (l *learner) findTTY(ctx context.Context, t *terminal) {
	known := map[string]bool{"?": true, "": true}
	for _, other := range l.terms {
		known[other.tty] = true
	}
	for _, p := range l.processes(ctx) {
		if known[p.tty] || p.tty == t.tty {
			continue
		}
		if t.tty != "" { // two of them: who knows
			t.tty = ""
			return
		}
		t.tty = p.tty
	}
}

// endless are programs that look again and again until somebody stops them.
var endless = map[string]bool{"tail": true, "watch": true, "top": true, "ping": true}

// waking reports whether a process that sleeps in the kernel's function wchan
// will wake up by itself.
func waking(wchan string) bool {
	for _, w := range []string{"nanosleep", "wait4", "do_wait", "waitid", "sigsuspend", "pipe", "futex", "io_schedule"} {
		if strings.Contains(wchan, w) {
			return true
		}
	}
	return wchan == "-" || wchan == "0"
}
