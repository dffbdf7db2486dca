package proof

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A terminal is one that the learner is attached to.
type terminal struct {
	sess *ssh.Session
	keys io.WriteCloser
	done chan struct{} // closed when it has ended
	news chan struct{} // gets one value, at most, after output
	tty  string        // its device inside, such as pts/0; empty when unknown

	mu      sync.Mutex
	shown   []byte // the end of what it printed
	pasting bool   // a line editor has asked for bracketed paste: it reads
	editors bool   // one has ever asked
	prompts int    // how often
	last    time.Time
}

const maxShown = 32 << 10

// openTerminal attaches to the terminal called name, which is made when it is
// not there.
func openTerminal(client *ssh.Client, name string) (*terminal, error) {
	sess, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	t := &terminal{sess: sess, done: make(chan struct{}), news: make(chan struct{}, 1), last: time.Now()}
	if err := t.start(name); err != nil {
		_ = sess.Close()
		return nil, err
	}
	return t, nil
}

func (t *terminal) start(name string) (err error) {
	if t.keys, err = t.sess.StdinPipe(); err != nil {
		return err
	}
	out, err := t.sess.StdoutPipe()
	if err != nil {
		return err
	}
	if err := t.sess.Setenv(proto.SessionEnv, name); err != nil {
		return err
	}
	if err := t.sess.RequestPty("xterm-256color", 40, 132, ssh.TerminalModes{}); err != nil {
		return err
	}
	if err := t.sess.Shell(); err != nil {
		return err
	}
	go func() {
		defer close(t.done)
		buf := make([]byte, 32<<10)
		for {
			n, err := out.Read(buf)
			t.print(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return nil
}

var (
	pasteOn, pasteOff = []byte("\x1b[?2004h"), []byte("\x1b[?2004l")
	// asks is the end of a line that waits for an answer: a prompt of a shell
	// or of another program.
	asks = regexp.MustCompile(`[#$%>:?\]] ?$`)
)

// print takes what the terminal printed. Where a line editor switches
// bracketed paste on it begins to read, and where it switches it off it has
// read: a prompt that no text can imitate by chance.
func (t *terminal) print(p []byte) {
	if len(p) == 0 {
		return
	}
	t.mu.Lock()
	seam := max(0, len(t.shown)-len(pasteOn)+1)
	t.shown = append(t.shown, p...)
	for rest := t.shown[seam:]; ; {
		on, off := bytes.Index(rest, pasteOn), bytes.Index(rest, pasteOff)
		if on < 0 && off < 0 {
			break
		}
		if on >= 0 && (off < 0 || on < off) {
			t.pasting, t.editors = true, true
			t.prompts++
			rest = rest[on+len(pasteOn):]
			continue
		}
		t.pasting = false
		rest = rest[off+len(pasteOff):]
	}
	if len(t.shown) > 2*maxShown {
		t.shown = append([]byte(nil), t.shown[len(t.shown)-maxShown:]...)
	}
	t.last = time.Now()
	t.mu.Unlock()
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// ended reports whether the terminal is gone.
func (t *terminal) ended() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// press sends bytes as a keyboard does.
func (t *terminal) press(keys string) error {
	_, err := io.WriteString(t.keys, keys)
	if err != nil && t.ended() {
		return nil
	}
	return err
}

// How long a terminal is quiet before its last line is believed.
const (
	quietPrompt  = 30 * time.Millisecond  // behind a line editor's own sign
	quietAnswer  = 400 * time.Millisecond // behind what looks like a question
	quietProgram = 3 * time.Second        // of a program that may want keys
)

// state is what the terminal looks like now: whether it waits for input, and
// when to look again if not.
func (t *terminal) state(prompts int) (ready bool, again time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	quiet := time.Since(t.last)
	switch {
	case t.pasting && t.prompts > prompts:
		return quiet >= quietPrompt, quietPrompt - quiet
	case !t.pasting && asks.Match(lastLine(t.shown)):
		return quiet >= quietAnswer, quietAnswer - quiet
	}
	return false, quietAnswer
}

// lastLine is the line that the cursor stands on, without what draws it.
func lastLine(shown []byte) []byte {
	shown = shown[max(0, len(shown)-1024):]
	if i := bytes.LastIndexAny(shown, "\n\r"); i >= 0 {
		shown = shown[i+1:]
	}
	return drawn.ReplaceAll(shown, nil)
}

var drawn = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])|\x07")

// await waits until the terminal is ready for input that comes after its
// prompts-th prompt; idle may cut that short. It reports whether it is ready.
func (t *terminal) await(ctx context.Context, prompts int, patience time.Duration, idle func(context.Context) bool) (bool, error) {
	return t.until(ctx, func() (bool, time.Duration) { return t.state(prompts) }, patience, idle)
}

// taken waits until the line editor has read what was typed after its prompts-th
// prompt: from then on runs what is to be waited for. It reports false where
// something else reads, which takes no lines.
func (t *terminal) taken(ctx context.Context, prompts int, patience time.Duration, idle func(context.Context) bool) (bool, error) {
	return t.until(ctx, func() (bool, time.Duration) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return !t.pasting || t.prompts > prompts, quietAnswer
	}, patience, idle)
}

// until is await for any state, which says when to look again.
func (t *terminal) until(ctx context.Context, state func() (bool, time.Duration), patience time.Duration, idle func(context.Context) bool) (bool, error) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	asked := time.Now()
	for {
		ready, again := state()
		if ready {
			return true, nil
		}
		t.mu.Lock()
		quiet := time.Since(t.last)
		t.mu.Unlock()
		if idle != nil && quiet >= quietProgram && time.Since(asked) >= quietProgram {
			if idle(ctx) {
				return false, nil
			}
			asked = time.Now()
		}
		look := time.NewTimer(max(again, time.Millisecond))
		select {
		case <-t.news:
		case <-look.C:
		case <-limit.C:
			look.Stop()
			return false, nil
		case <-t.done:
			look.Stop()
			return true, nil
		case <-ctx.Done():
			look.Stop()
			return false, ctx.Err()
		}
		look.Stop()
	}
}

// text is the end of what the terminal shows, without what only draws it.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	plain := strings.ReplaceAll(string(drawn.ReplaceAll(t.shown, nil)), "\r\n", "\n")
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(plain, "�")), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// count is how many prompts were seen.
func (t *terminal) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.prompts
}

// reads reports whether a line editor waits for input now.
func (t *terminal) reads() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pasting
}

// touch forgets how long the terminal has been quiet: what it shows now is
// answered, so only what comes next counts.
func (t *terminal) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
}
