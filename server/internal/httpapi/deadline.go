package httpapi

import (
	"net"
	"os"
	"sync"
	"time"
)

// net/http moves the deadlines of a connection seven times for a request, and
// each time the runtime stops a timer and starts another. Only one that holds
// while something is read or written counts. So it is noted, and set when it is
// needed: three times for a request.

// A deadline is what was asked for, and what the connection has.
type deadline struct {
	mu    sync.Mutex
	want  time.Time
	has   time.Time
	using bool // something is read or written

	resting bool          // somebody waits before they read
	roused  chan struct{} // tells them not to
	rest    *time.Timer
}

// lag is how much sooner than asked for a deadline may be over, where one that
// is set will do.
const lag = 2 * time.Second

// ask notes a deadline. Whoever is reading or writing hears of it at once.
func (d *deadline) ask(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want = t
	if d.resting && over(t) {
		d.resting = false
		d.roused <- struct{}{}
	}
	if !d.using {
		return nil
	}
	d.has = t
	return set(t)
}

// begin sets the deadline, if the connection's isn't as good; end says that it is
// no longer used.
func (d *deadline) begin(set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.using = true
	if d.has.Equal(d.want) {
		return nil
	}
	if !d.has.IsZero() && !d.want.IsZero() {
		if sooner := d.want.Sub(d.has); sooner >= 0 && sooner < lag && time.Until(d.has) > lag {
			return nil
		}
	}
	d.has = d.want
	return set(d.want)
}

func (d *deadline) end() {
	d.mu.Lock()
	d.using = false
	d.mu.Unlock()
}

// over says whether a deadline is.
func over(t time.Time) bool { return !t.IsZero() && time.Until(t) <= 0 }

// While a request is answered, net/http reads a byte ahead, to hear of a client who
// hangs up, and takes that back with a deadline when the answer is there. Mostly
// that is sooner than anybody hangs up: then it was a call of the kernel and a
// place among what the runtime polls for nothing. So it is read after a moment.

// ahead is how much net/http reads to hear of somebody who hangs up, and hush how
// long the answer may take until it is.
const (
	ahead = 1
	hush  = 20 * time.Millisecond
)

// wait waits for as long as hush, and reports whether the deadline was over by
// then.
func (d *deadline) wait() bool {
	d.mu.Lock()
	if over(d.want) {
		d.mu.Unlock()
		return true
	}
	if d.rest == nil {
		d.rest, d.roused = time.NewTimer(hush), make(chan struct{}, 1)
	} else {
		d.rest.Reset(hush)
	}
	d.resting = true
	d.mu.Unlock()
	select {
	case <-d.roused:
		d.rest.Stop()
		return true
	case <-d.rest.C:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.resting { // roused just now
		<-d.roused
		return true
	}
	d.resting = false
	return false
}

// Read waits no longer than the last deadline that was asked for.
func (g *gathered) Read(p []byte) (int, error) {
	if len(p) == ahead && g.reads.wait() {
		return 0, os.ErrDeadlineExceeded
	}
	if err := g.reads.begin(g.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	defer g.reads.end()
	return g.Conn.Read(p)
}

// SetReadDeadline is set by the next Read.
func (g *gathered) SetReadDeadline(t time.Time) error {
	return g.reads.ask(t, g.Conn.SetReadDeadline)
}

// SetWriteDeadline is set by the next Write.
func (g *gathered) SetWriteDeadline(t time.Time) error {
	return g.writes.ask(t, g.Conn.SetWriteDeadline)
}

// SetDeadline is both.
func (g *gathered) SetDeadline(t time.Time) error {
	if err := g.SetReadDeadline(t); err != nil {
		return err
	}
	return g.SetWriteDeadline(t)
}

var _ net.Conn = (*gathered)(nil)
