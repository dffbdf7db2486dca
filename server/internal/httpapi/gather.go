package httpapi

import (
	"bytes"
	"context"
	"net"
	"sync"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

// net/http gathers 4 KiB of an answer before it writes. What is a little more,
// headers included, as the catalogue is, takes two calls of the kernel, two
// segments and two wake-ups of the client: half of what it costs. So a
// connection of ours is told how long the body is, and keeps what comes first
// until the rest is there. It is also told most lines of the head: see reply.

// Gather makes connections of l that write an answer at once, where the server
// has OnConn as its ConnContext.
func Gather(l net.Listener) net.Listener { return gatherer{l} }

type gatherer struct{ net.Listener }

func (g gatherer) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gathered{Conn: c}, nil
}

type connKey struct{}

// OnConn lets handlers find their connection, if it is one of Gather's. Under
// TLS it isn't: what is written there is no answer yet.
func OnConn(ctx context.Context, c net.Conn) context.Context {
	if g, ok := c.(*gathered); ok {
		return context.WithValue(ctx, connKey{}, g)
	}
	return ctx
}

// withoutBody is for a request whose answer has none, whatever its handler says.
func withoutBody(ctx context.Context) context.Context {
	return context.WithValue(ctx, connKey{}, (*gathered)(nil))
}

// connOf is the connection of a request, or nil.
func connOf(ctx context.Context) *gathered {
	g, _ := ctx.Value(connKey{}).(*gathered)
	return g
}

// gathered is written to by one request at a time.
type gathered struct {
	net.Conn
	head *[]byte // lines of the answer that is to come, behind a gap; nil for none
	body int     // of it; 0 for unknown
	held *[]byte // what came of it, behind a rest of the gap
	from int     // where it begins there
	seen app.Sighting

	reads, writes deadline
}

const (
	gap      = 64       // longer than any first line
	maxHead  = 64 << 10 // what is larger is not kept for the next answer
	maxCopy  = 16 << 10 // what is larger is not copied to be written at once
	minAwait = 2 << 10  // a body that may not fit beside its head
)

var (
	endOfLine = []byte("\r\n")
	endOfHead = []byte("\r\n\r\n")
	heads     = sync.Pool{New: func() any { return new(make([]byte, gap, 4<<10)) }}
)

// reserve begins the lines of an answer's head. What an answer before left, which
// was never written, is forgotten.
func (g *gathered) reserve() *[]byte {
	g.head, g.body = nil, 0
	return heads.Get().(*[]byte)
}

func recycle(b *[]byte) {
	if cap(*b) <= maxHead {
		*b = (*b)[:gap]
		heads.Put(b)
	}
}

// expect says that an answer with a body of that size is written next.
func (g *gathered) expect(size int) {
	if size >= minAwait {
		g.body = size
	}
}

func (g *gathered) Write(p []byte) (int, error) {
	if err := g.writes.begin(g.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	defer g.writes.end()
	switch {
	case g.held != nil:
		return g.release(p)
	case g.head == nil && g.body == 0, bytes.HasPrefix(p, interim):
		return g.Conn.Write(p)
	}
	lines, body := g.head, g.body
	g.head, g.body = nil, 0
	first := bytes.Index(p, endOfLine) + len(endOfLine)
	if lines == nil {
		lines = heads.Get().(*[]byte)
	}
	if first < len(endOfLine) || first > gap { // no answer that net/http makes
		recycle(lines)
		return g.Conn.Write(p)
	}
	from := gap - first
	copy((*lines)[from:], p[:first])
	*lines = append(*lines, p[first:]...)
	if head := bytes.Index(p, endOfHead); body > 0 && head >= 0 && len(p) < head+len(endOfHead)+body {
		g.held, g.from = lines, from
		return len(p), nil
	}
	all := (*lines)[from:]
	n, err := g.Conn.Write(all)
	more := len(all) - len(p)
	recycle(lines)
	return max(0, n-more), err
}

// CloseWrite is what net/http asks for after it refused a request whose rest is
// still coming: who hung up at once would take the answer along.
func (g *gathered) CloseWrite() error {
	if c, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// interim begins what comes before an answer: 100 Continue.
var interim = []byte("HTTP/1.1 1")

// release writes what was held and p.
func (g *gathered) release(p []byte) (int, error) {
	held := g.held
	g.held = nil
	defer recycle(held)
	all := (*held)[g.from:]
	before := len(all)
	if before+len(p) <= maxCopy {
		*held = append(*held, p...)
		n, err := g.Conn.Write((*held)[g.from:])
		return max(0, n-before), err
	}
	both := net.Buffers{all, p}
	n, err := both.WriteTo(g.Conn)
	return max(0, int(n)-before), err
}
