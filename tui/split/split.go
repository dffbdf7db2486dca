// Package split is the screen a learner works at: a step's text on the left, a
// lab's shell in a terminal on the right, checks and clock below. What is typed
// goes to the shell as the learner's terminal sent it, byte for byte, because
// that terminal is put into the modes that the shell's programs ask for; one
// prefix key leads to everything else. It draws by itself rather than with the
// program of the other screens: nothing of it may wait for a next frame.
//
// Connecting to the lab is the caller's, and judging is the hub's.
package split

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words"
)

// Backend is what the screen needs of the hub.
type Backend interface {
	Lab(ctx context.Context, id string) (hub.Lab, error)
	LabSession(ctx context.Context, ref string) (hub.LabSession, error)
	LabEvents(ctx context.Context, ref string, after int64, yield func(hub.LabEvent) error) error
	CheckLab(ctx context.Context, ref string, step int) (hub.CheckResult, error)
	NextLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	SkipLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	SubmitLab(ctx context.Context, ref string) (hub.LabSession, error)
	LabHint(ctx context.Context, ref string, step int) (hub.Hint, error)
	LabSolution(ctx context.Context, ref string, step int) (hub.Solution, error)
	AnswerLab(ctx context.Context, ref string, a hub.LabAnswer) (hub.AnswerResult, error)
	ExtendLab(ctx context.Context, ref string, minutes int) (hub.LabSession, error)
	SaveLab(ctx context.Context, ref, name string) (hub.Checkpoint, error)
	ResetLab(ctx context.Context, ref string, to hub.LabReturn) (hub.LabSession, error)
	GotoLabStep(ctx context.Context, ref string, step int) (hub.LabSession, error)
}

// Attach gives a terminal a shell of the lab's, on the host of that name or on
// the first, as labssh.Attach does. Several run beside each other.
type Attach func(ctx context.Context, t labssh.Terminal, host string) (status int, detached bool, err error)

// Options are what surrounds the screen.
type Options struct {
	Session string           // the lab session's id
	Prefix  byte             // the key before commands; 0 is Ctrl-]
	Whole   bool             // the shell has the whole screen at first, whatever its size
	Mono    bool             // no colours but the shell's own
	Look    theme.Look       // of the terminal; the zero one suits any
	None    bool             // no screen at all: the shell has the terminal to itself
	Now     func() time.Time // nil means time.Now
	Words   words.Speaker    // the learner's language
	Pages   markdown.Drawer  // draws texts; nil leaves them as they are

	// Files opens the lab's files; nil where blocks can't be written to any.
	Files func(ctx context.Context) (Files, error)
	// Forward makes a port reachable; nil where only the learner's own ssh can.
	Forward Forward
}

// The least room in which text and shell stand side by side.
const (
	splitColumns = 100
	splitRows    = 30
)

// Run shows the screen on t until the last of its shells ends, the learner leaves it, or ctx
// ends. Its results are attach's. t is as it was before when Run returns, but
// for a read of t.In that is still under way: unblocking it is the caller's.
func Run(ctx context.Context, t labssh.Terminal, api Backend, o Options, attach Attach) (status int, detached bool, err error) {
	if o.None {
		if t.Say == nil {
			t.Say = func(s string) { _, _ = io.WriteString(t.Out, safe.Line(s)+"\r\n") }
		}
		return attach(ctx, t, "")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := newDesk(ctx, t, api, o, attach)
	d.finish = cancel
	d.parts.Go(d.draw)
	d.serve(d.tab)
	d.parts.Go(d.load)
	d.parts.Go(d.follow)
	go d.read() // ends when the caller unblocks it
	e := d.wait()
	d.mu.Lock()
	cancel(nil) // under mu: no work begins after it
	d.mu.Unlock()
	d.parts.Wait()
	d.working.Wait()
	_, _ = io.WriteString(t.Out, d.leave())
	if errors.Is(e.err, errFinished) {
		_, _ = io.WriteString(t.Out, d.o.Words.T("The lab is handed in.")+"\r\n")
		return 0, false, nil
	}
	return e.status, e.detached, e.err
}

// errFinished ends the screen of a lab that is over by the learner's own doing.
var errFinished = errors.New("the lab is over")

// How the screen is divided.
const (
	both = iota
	onlyShell
	onlyText
)

// A desk is the state of one screen. Everything below mu is guarded by it;
// dirty asks for a frame.
type desk struct {
	ctx     context.Context
	t       labssh.Terminal
	api     Backend
	o       Options
	theme   theme.Theme
	prefix  byte
	attach  Attach
	dirty   chan struct{}
	ended   chan end
	finish  context.CancelCauseFunc
	parts   sync.WaitGroup
	working sync.WaitGroup

	mu         sync.Mutex
	*tab              // the one that is shown
	tabs       []*tab // all of them, at least one
	scrolling  int    // nothing, theText, theShell
	cols, rows int
	view       int // both, onlyShell, onlyText
	input      input
	shown      shown
	clipboard  string // what puts a block there, with the next frame

	lab     hub.Lab
	session hub.LabSession
	loaded  bool
	failed  string // why not, as was said
	notes   map[int][]note
	wrote   map[string][32]byte // files, as this screen has written them: their SHA-256
	reached map[string]string   // ports, and where they are on the learner's machine
	lines   []string
	blocks  []markdown.Block
	offset  int
	unfold  bool
	busy    string
	handing bool // the lab is being handed in
	said    string
	brief   bool // what is said has been seen: one line of it
	help    bool
	helpAt  int // the first line of it in sight
	ask     *ask
}

// note is something added below a step's text.
type note struct {
	title string
	text  string   // Markdown
	plain []string // or lines, already styled
}

func newDesk(ctx context.Context, t labssh.Terminal, api Backend, o Options, attach Attach) *desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &desk{
		ctx: ctx, t: t, api: api, o: o, prefix: o.Prefix, attach: attach,
		dirty: make(chan struct{}, 1), ended: make(chan end),
		notes: map[int][]note{}, wrote: map[string][32]byte{}, reached: map[string]string{},
	}
	d.o.Look.Ask = o.Look.Ask && !o.Mono
	d.theme = themed(o)
	if d.prefix == 0 {
		d.prefix = labssh.Detach
	}
	d.cols, d.rows = size(t)
	if o.Whole || d.narrow() {
		d.view = onlyShell
	}
	d.tab = d.newTab(place{})
	d.tabs = []*tab{d.tab}
	return d
}

func size(t labssh.Terminal) (columns, rows int) {
	if t.Size != nil {
		columns, rows = t.Size()
	}
	if columns < 1 || rows < 1 {
		return 80, 24
	}
	return min(max(columns, 2), 1000), min(max(rows, 2), 1000)
}

func (d *desk) narrow() bool { return d.cols < splitColumns || d.rows < splitRows }

// column is how wide the text is while it stands beside the shell.
func (d *desk) column() int { return min(max(d.cols*2/5, 40), 76) }

// pane is the shell's size. It keeps the one beside the text while only the
// text is shown, so that a look at it moves nothing in the shell.
func (d *desk) pane() (columns, rows int) {
	rows = max(d.rows-1-d.top(), 1)
	if d.view == onlyShell || d.narrow() {
		return d.cols, rows
	}
	return d.cols - d.column() - 1, rows
}

// origin is the column of the screen that the shell begins at.
func (d *desk) origin() int {
	columns, _ := d.pane()
	return d.cols - columns
}

func (d *desk) paneSize() (columns, rows int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pane()
}

// changed asks for a frame.
func (d *desk) changed() { poke(d.dirty) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// resize lays the screen out anew after its size or its division has changed.
// The caller holds mu.
func (d *desk) resize() {
	columns, rows := d.pane()
	for _, t := range d.tabs {
		if c, r := t.screen.Size(); c != columns || r != rows {
			t.screen.Resize(columns, rows)
			poke(t.resized)
		}
	}
	d.layOut()
	d.shown = shown{}
	d.changed()
}

// sayLine shows what becomes of the connection.
func (d *desk) sayLine(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.say(s)
}

// say shows a text; a constant one is translated here.
func (d *desk) say(s string) {
	d.said, d.brief = d.theme.Told(s), false
	d.changed()
}

// How soon a hub that was away is asked again for the text, at first and at last.
const (
	againFirst = time.Second
	againLast  = 15 * time.Second
)

// load reads the lab and the session. The shell doesn't wait for it, and works
// while the hub is away.
func (d *desk) load() {
	for pause := againFirst; ; pause = min(2*pause, againLast) {
		s, err := d.api.LabSession(d.ctx, d.o.Session)
		var l hub.Lab
		if err == nil {
			l, err = d.api.Lab(d.ctx, s.LabID)
		}
		if d.loadedAs(l, s, err) || hub.CodeOf(err) != hub.Unavailable {
			return
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-d.ctx.Done():
			again.Stop()
			return
		}
	}
}

// loadedAs takes what was read over, or says once why it wasn't.
func (d *desk) loadedAs(l hub.Lab, s hub.LabSession, err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if said := widget.Said(d.theme.Speaker, err); d.failed != said {
			d.failed = said
			d.say(said)
		}
		return false
	}
	if d.said == d.failed {
		d.said = ""
	}
	d.lab, d.session, d.loaded = l, s, true
	d.others()
	d.layOut()
	d.changed()
	return true
}

// follow looks at the session whenever something has happened to it.
func (d *desk) follow() {
	since := d.o.Now()
	_ = d.api.LabEvents(d.ctx, d.o.Session, 0, func(e hub.LabEvent) error {
		if e.At.Before(since.Add(-5 * time.Second)) {
			return nil // from before we came
		}
		s, err := d.api.LabSession(d.ctx, d.o.Session)
		d.mu.Lock()
		defer d.mu.Unlock()
		if err == nil {
			d.take(s)
		}
		if e.Type == "lab.warning" {
			d.say(d.theme.Tf("This lab ends soon: %s. %s gives it more time.", d.left(), d.key("e")))
		}
		return d.ctx.Err()
	}) // without events the clock and the keys still work
}

// take is the session as it is now; the caller holds mu.
func (d *desk) take(s hub.LabSession) {
	if s.Step != d.session.Step {
		d.offset = 0
	}
	d.session = s
	d.layOut()
	d.changed()
}
