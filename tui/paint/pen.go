package paint

import (
	"io"
	"strings"
	"sync"

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
	modes   string        // set beside enters, because it knows them
	resets  string        // what takes those back
	release func()        // lets go of the terminal
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
// ours, and returns what does.
func (p *pen) clusters() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.modes, p.resets = ansi.SetModeUnicodeCore, ansi.ResetModeUnicodeCore
	return p.modes
}

func (p *pen) take(out io.Writer, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out, p.release, p.done, p.drawn = out, release, nil, false
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

// write sends a frame, when the pen isn't busy, and calls then afterwards.
func (p *pen) write(frame string, then func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out == nil {
		return
	}
	if !p.drawn {
		frame = enters + p.modes + frame + p.asks
		p.drawn, p.asks = true, ""
	}
	p.done = begin(p.out, frame, then)
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

// leave gives the terminal back as it was; wait waits for what it is taking, unless
// that is in vain.
func (p *pen) leave(wait func(<-chan struct{}) bool) {
	p.mu.Lock()
	out, done, drawn, last := p.out, p.done, p.drawn, p.resets+leaves
	p.out = nil
	p.mu.Unlock()
	if out == nil {
		return
	}
	if drawn && wait(done) {
		wait(begin(out, last, func() {}))
	}
	p.release()
}
