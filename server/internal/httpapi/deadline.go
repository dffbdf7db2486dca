package httpapi

import (
	"net"
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
}

// lag is how much sooner than asked for a deadline may be over, where one that
// is set will do.
const lag = 2 * time.Second

// ask notes a deadline. Whoever is reading or writing hears of it at once.
func (d *deadline) ask(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want = t
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

// Read waits no longer than the last deadline that was asked for.
func (g *gathered) Read(p []byte) (int, error) {
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
