package httpapi

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// net/http gathers 4 KiB of an answer before it writes. What is a little more,
// headers included, as the catalogue is, takes two calls of the kernel, two
// segments and two wake-ups of the client: half of what it costs. So a
// connection of ours is told how long the body is, and keeps what comes first
// until the rest is there.

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

// minGather is the size of a body that may not fit beside its headers.
const minGather = 2 << 10

// expectBody says that an answer with a body of that size is written next.
func expectBody(ctx context.Context, size int) {
	if size < minGather {
		return
	}
	if g, _ := ctx.Value(connKey{}).(*gathered); g != nil {
		g.body = size
	}
}

// gathered is written to by one request at a time.
type gathered struct {
	net.Conn
	body int     // of the answer that is to come; 0 for unknown
	held *[]byte // what came of it
}

var (
	endOfHead = []byte("\r\n\r\n")
	helds     = sync.Pool{New: func() any { return new([]byte) }}
)

func (g *gathered) Write(p []byte) (int, error) {
	if g.held != nil {
		return g.release(p)
	}
	if g.body == 0 {
		return g.Conn.Write(p)
	}
	body := g.body
	g.body = 0
	head := bytes.Index(p, endOfHead)
	if head < 0 || len(p) >= head+len(endOfHead)+body {
		return g.Conn.Write(p) // all of it
	}
	g.held = helds.Get().(*[]byte)
	*g.held = append((*g.held)[:0], p...)
	return len(p), nil
}

// release writes what was held and p.
func (g *gathered) release(p []byte) (int, error) {
	held := g.held
	g.held = nil
	defer helds.Put(held)
	before := len(*held)
	both := net.Buffers{*held, p}
	n, err := both.WriteTo(g.Conn)
	return max(0, int(n)-before), err
}
