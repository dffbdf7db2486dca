package main

import (
	"errors"
	"hash/maphash"
	"io"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/vt"
)

const (
	// The one who works at a terminal may lag this far before its programs wait.
	maxLag = 128 << 10
	// A sequence that a program has begun is held back until it is whole, so
	// that whoever joins sees none from its middle. One that gets longer than
	// this is no use to anybody.
	maxHeld = 256 << 10
	// Those who look on see at most so many pictures.
	pictureEvery = 30 * time.Millisecond
)

// stallAfter is how long the programs wait for a client that takes nothing.
// Then they go on without it: a dead connection must not stop them.
const stallAfter = 10 * time.Second

// An output is what a terminal prints: the model of its screen, and those who
// see it. One of them works there: the last who attached, typed or resized. The
// PTY has that one's size, and that one's terminal gets the bytes as they are
// printed and answers what programs ask of it, once. Everybody else gets
// pictures of the screen, cut to their own size; when the one who works leaves,
// or another begins to type, the roles change.
type output struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	screen  *vt.Screen
	held    []byte // the beginning of a sequence
	flood   bool   // of which the beginning was thrown away
	queue   []byte // for the one who works
	closed  bool
	viewers []*viewer // who only watches first, the others by when they last did something: the last works
	made    bool      // and nobody has joined yet: all of it is kept
	setSize func(unix.Winsize)
}

// A viewer is one client that sees a terminal.
type viewer struct {
	out     *output
	size    unix.Winsize
	watches bool // only looks on, whatever it does

	works   bool
	draw    bool      // its terminal's state is not known: draw all of it
	history bool      // with the lines above the screen
	moved   time.Time // when it last took something
	painted []uint64  // hashes of what a picture's rows look like
	cursor  string    // of the picture
}

func newOutput(size unix.Winsize, setSize func(unix.Winsize)) *output {
	return &output{
		made: true, changed: make(chan struct{}), screen: vt.New(int(size.Col), int(size.Row)), setSize: setSize,
	}
}

func (o *output) signal() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// worker is the viewer who works, or nil.
func (o *output) worker() *viewer {
	if n := len(o.viewers); n > 0 && o.viewers[n-1].works {
		return o.viewers[n-1]
	}
	return nil
}

// write takes what was printed, after waiting for a worker that keeps up.
func (o *output) write(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		w := o.worker()
		if w == nil || len(o.queue) <= maxLag || o.closed {
			break
		}
		left := stallAfter - time.Since(w.moved)
		if left <= 0 {
			break
		}
		changed := o.changed
		o.mu.Unlock()
		t := time.NewTimer(left)
		select {
		case <-changed:
		case <-t.C:
		}
		t.Stop()
		o.mu.Lock()
	}
	o.print(p)
	o.signal()
}

// print shows p on the screen, and gives the worker what is whole.
func (o *output) print(p []byte) {
	n := o.screen.Write(p)
	w := o.worker()
	if w == nil && o.made {
		w = &viewer{} // who will come in a moment
	}
	switch {
	case n == 0:
	case o.flood: // its end is in p, who knows where
		if w != nil {
			w.draw = true
		}
	default:
		o.give(w, o.held)
		o.give(w, p[:n])
	}
	if n > 0 {
		o.held, o.flood = o.held[:0], false
	}
	if o.flood {
		return
	}
	if o.held = append(o.held, p[n:]...); len(o.held) > maxHeld {
		o.held, o.flood = nil, true
	}
}

func (o *output) give(w *viewer, p []byte) {
	if w == nil || w.draw || len(p) == 0 {
		return
	}
	if len(o.queue) == 0 {
		w.moved = time.Now()
	}
	o.queue = append(o.queue, p...)
	if len(o.queue) > 2*maxLag { // it stalls: it gets a picture when it is back
		o.queue, w.draw = nil, true
	}
}

// join adds a viewer. One that made the terminal gets what was printed since
// as it was printed; anybody else's terminal is drawn first.
func (o *output) join(size unix.Winsize, watches, made bool) *viewer {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := &viewer{out: o, size: size, watches: watches, history: true, moved: time.Now()}
	if watches {
		o.viewers = append([]*viewer{v}, o.viewers...)
		v.draw = true
	} else {
		o.viewers = append(o.viewers, v)
	}
	kept := o.queue
	o.assign()
	if made && !watches && len(kept) <= maxLag {
		v.draw, v.history, o.queue = false, false, kept
	}
	o.made = false
	return v
}

// nobody says that whoever made the terminal does not join.
func (o *output) nobody() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made {
		o.made, o.queue = false, nil
	}
}

// work makes v the one who works, unless it only watches.
func (o *output) work(v *viewer) {
	if v.watches || v.works {
		return
	}
	for i, other := range o.viewers {
		if other == v {
			o.viewers = append(append(o.viewers[:i:i], o.viewers[i+1:]...), v)
			break
		}
	}
	o.assign()
}

// assign gives the last of the viewers who may the work, and everybody what
// the change makes necessary.
func (o *output) assign() {
	for i, v := range o.viewers {
		works := i == len(o.viewers)-1 && !v.watches
		if works != v.works {
			v.works, v.draw, v.painted = works, true, nil
			o.queue = nil
		}
	}
	if w := o.worker(); w != nil {
		o.resize(w.size)
	}
	o.signal()
}

func (o *output) resize(size unix.Winsize) {
	if c, r := o.screen.Size(); c != int(size.Col) || r != int(size.Row) {
		o.screen.Resize(int(size.Col), int(size.Row))
	}
	o.setSize(size)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.signal()
}

// line is the line that the cursor is on, as it is drawn.
func (o *output) line() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.screen.DrawLine()
}

// resized tells of the size of v's terminal.
func (v *viewer) resized(size unix.Winsize) {
	v.out.mu.Lock()
	defer v.out.mu.Unlock()
	changed := v.size != size
	v.size, v.painted = size, nil
	v.out.work(v)
	if v.works {
		v.out.resize(size)
	}
	if !v.works && changed {
		v.draw = true
	}
	v.out.signal()
}

// typed says that v's owner did something there, and whether they may.
func (v *viewer) typed() bool {
	v.out.mu.Lock()
	defer v.out.mu.Unlock()
	v.out.work(v)
	return !v.watches
}

func (v *viewer) leave() {
	v.out.mu.Lock()
	defer v.out.mu.Unlock()
	for i, other := range v.out.viewers {
		if other == v {
			v.out.viewers = append(v.out.viewers[:i:i], v.out.viewers[i+1:]...)
			break
		}
	}
	v.out.assign()
}

var errLeft = errors.New("viewer left")

// next waits for something to show, or for stop. It returns io.EOF when the
// terminal has ended and everything was shown. What it returns is valid until
// it is called again.
func (v *viewer) next(buf []byte, stop <-chan struct{}) ([]byte, error) {
	o := v.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		early := time.Duration(0)
		if !v.works && !o.closed {
			early = pictureEvery - time.Since(v.moved)
		}
		if early <= 0 {
			if p := v.ready(buf); len(p) > 0 {
				v.moved = time.Now()
				return p, nil
			}
			if o.closed {
				return nil, io.EOF
			}
		}
		if o.await(early, stop) {
			return nil, errLeft
		}
	}
}

// await waits for a change, for some time when it is positive, or for stop.
func (o *output) await(d time.Duration, stop <-chan struct{}) (stopped bool) {
	changed := o.changed
	o.mu.Unlock()
	defer o.mu.Lock()
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer, changed = t.C, nil
	}
	select {
	case <-changed:
	case <-timer:
	case <-stop:
		return true
	}
	return false
}

func (v *viewer) ready(buf []byte) []byte {
	o := v.out
	switch {
	case !v.works:
		return v.picture(buf[:0])
	case v.draw:
		b := o.screen.Draw(v.history)
		v.draw, v.history, o.queue = false, false, nil
		o.signal()
		return b
	case len(o.queue) > 0:
		n := copy(buf, o.queue)
		if o.queue = o.queue[n:]; len(o.queue) == 0 && cap(o.queue) < 4096 {
			o.queue = nil
		}
		o.signal() // programs may be waiting
		return buf[:n]
	}
	return nil
}

var seed = maphash.MakeSeed()

// picture returns what changes the viewer's terminal from the last picture to
// the present one. A terminal that is too low shows the part with the cursor.
func (v *viewer) picture(b []byte) []byte {
	s := v.out.screen
	cols, rows := s.Size()
	cx, cy, visible := s.Cursor()
	width, height := min(cols, int(v.size.Col)), min(rows, int(v.size.Row))
	above := max(0, cy-height+1)
	if v.draw {
		b = append(b, "\x1b[!p\x1b[?1049h\x1b[r\x1b[?6l\x1b[?7h\x1b(B\x0f\x1b[m\x1b[2J\x1b[?1000l\x1b[?2004l"...)
		v.draw, v.painted, v.history = false, nil, false
	}
	if len(v.painted) != height {
		v.painted = make([]uint64, height)
	}
	var row []byte
	for y := range height {
		row = s.DrawRow(row[:0], above+y, width)
		sum := maphash.Bytes(seed, row) | 1
		if v.painted[y] == sum {
			continue
		}
		v.painted[y] = sum
		b = append(cup(append(b, "\x1b[?25l"...), 0, y), "\x1b[m\x1b[K"...)
		b = append(b, row...)
	}
	show := ""
	if visible && cx < width {
		show = string(cup(nil, cx, cy-above)) + "\x1b[?25h"
	}
	if len(b) > 0 || show != v.cursor {
		v.cursor = show
		if show == "" {
			return append(b, "\x1b[?25l"...)
		}
		return append(b, show...)
	}
	return b
}

// farewell gives a terminal that showed pictures its own screen back.
func (v *viewer) farewell(w io.Writer) {
	v.out.mu.Lock()
	pictures := !v.works
	v.out.mu.Unlock()
	if pictures {
		_, _ = io.WriteString(w, "\x1b[?1049l\x1b[?25h")
	}
}

func cup(b []byte, x, y int) []byte {
	b = strconv.AppendInt(append(b, "\x1b["...), int64(y+1), 10)
	b = strconv.AppendInt(append(b, ';'), int64(x+1), 10)
	return append(b, 'H')
}
