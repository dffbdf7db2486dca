package paint

import (
	"io"
	"strings"
	"sync"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// A pen writes to the terminal, one frame at a time and beside the program's loop:
// while a slow line takes a frame keys are heard, and whatever has changed by then
// is in the next one. It knows which modes it has set. Every method may be called
// from any goroutine.
type pen struct {
	mu      sync.Mutex
	out     io.Writer     // nil while the terminal is somebody else's
	done    chan struct{} // closed once the last frame is on the terminal
	drawn   bool          // there is one, and our modes are set
	asks    string        // what the terminal is asked, once
	asked   time.Time     // when it was
	open    int           // how much of that it has not answered
	modes   string        // set beside enters, because it knows them
	resets  string        // what takes those back
	before  string        // goes there before the next frame
	behind  string        // what else goes there, with the next frame
	copies  string        // and whether there is one or not
	release func()        // lets go of the terminal
	left    chan struct{} // closed once that is done
}

// The modes of a screen. Keys are asked for in two ways, of which a terminal takes
// what it knows, for each of its screens: first and last on ours. One that has no
// other screen goes on below ours.
const (
	enters = ansi.SetModeAltScreenSaveCursor + ansi.ResetModeTextCursorEnable + ansi.SetModeBracketedPaste + ansi.SetModifyOtherKeys2 + "\x1b[=1;1u"
	leaves = "\x1b[999H" + ansi.ResetModifyOtherKeys + "\x1b[=0;1u" + ansi.ResetModeAltScreenSaveCursor + ansi.SetModeTextCursorEnable + ansi.ResetModeBracketedPaste
)

// questions are what the terminal is asked: whether it shows frames as a whole, and
// whether it counts the columns of clusters. Where some are known to print them, and
// where an answer may take long, only those are asked that are known to give one.
func questions(env uv.Environ) string {
	_, remote := env.LookupEnv("SSH_TTY")
	_, knows := env.LookupEnv("WT_SESSION")
	for _, name := range []string{"ghostty", "wezterm", "alacritty", "kitty", "rio"} {
		knows = knows || strings.Contains(env.Getenv("TERM"), name)
	}
	if knows || !remote && !strings.Contains(env.Getenv("TERM_PROGRAM"), "Apple") {
		return ansi.RequestModeSynchronizedOutput + ansi.RequestModeUnicodeCore
	}
	return ""
}

// clusters has the terminal count columns by clusters of characters, while it is
// ours, from the next frame on.
func (p *pen) clusters() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.modes, p.resets = ansi.SetModeUnicodeCore, ansi.ResetModeUnicodeCore
	if p.drawn {
		p.before = p.modes
	}
}

// enough is how much may wait for a terminal that takes nothing.
const enough = 64 << 10

// adds keeps what else goes to the terminal. What is to be copied does before we
// leave it; a question whose answer nobody would wait for doesn't.
func (p *pen) adds(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.behind)+len(p.copies) > enough:
	case strings.HasPrefix(s, "\x1b]52;"):
		p.copies += s
	default:
		p.behind += s
	}
}

func (p *pen) take(out io.Writer, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out, p.release, p.done, p.drawn, p.before, p.left = out, release, nil, false, "", make(chan struct{})
}

// busy reports whether the terminal takes nothing now.
func (p *pen) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out == nil {
		return true
	}
	select {
	case <-p.done:
		return false
	default:
		return p.done != nil
	}
}

// write sends a frame and what else is to be sent, when the pen isn't busy, and
// calls then afterwards. It reports whether there was anything.
func (p *pen) write(frame string, then func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.before + frame + p.behind + p.copies
	if p.out == nil || all == "" {
		return false
	}
	if !p.drawn {
		all = enters + p.modes + frame + p.asks + p.behind + p.copies
		if p.asks != "" {
			p.asked, p.open = time.Now(), strings.Count(p.asks, "$p")
		}
		p.drawn, p.asks = true, ""
	}
	p.before, p.behind, p.copies = "", "", ""
	p.done = begin(p.out, all, then)
	return true
}

// begin writes beside its caller.
func begin(out io.Writer, s string, then func()) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer then()
		defer close(done)
		_, _ = io.WriteString(out, s) // a terminal that is gone ends the program otherwise
	}()
	return done
}

// leave gives the terminal back as it was, or waits for whoever does; wait waits
// for what it is taking, unless that is in vain.
func (p *pen) leave(wait func(<-chan struct{}) bool) {
	p.mu.Lock()
	out, done, drawn, left := p.out, p.done, p.drawn, p.left
	last := p.copies + p.resets + leaves
	if p.out = nil; drawn {
		p.copies = ""
	}
	p.mu.Unlock()
	if out == nil {
		wait(left)
		return
	}
	defer close(left)
	if drawn && wait(done) {
		wait(begin(out, last, func() {}))
	}
	p.release()
}
