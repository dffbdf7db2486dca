package gateway

import (
	"container/list"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// writeTimeout bounds one write to a client's socket.
const writeTimeout = 30 * time.Second

// quickReads is how many reads of a connection ask for the next acknowledgement
// at once. OpenSSH holds small packets back until they are acknowledged, and a
// server that has nothing to say makes Linux wait 40 ms with that, twice in
// every handshake.
const quickReads = 48

// A peer is one client connection, on the wire and in the books.
type peer struct {
	net.Conn
	g      *Gateway
	source string
	reads  atomic.Int32
	once   sync.Once
	gone   chan struct{} // closed by Close

	// Guarded by door.mu.
	waiting *list.Element
	user    string
	proof   string
	who     Identity
	account string // whose who is; "" of a stranger
	misses  int    // how often in a row it may not be here any more

	owner atomic.Bool // a lab's door was opened to it

	mu       sync.Mutex
	full     bool // what it proved has as many connections as it may
	slowed   bool // it has waited once
	known    *standing
	sessions int
	forwards int
	idle     *time.Timer // ends a connection that opens nothing
}

// standing is what came of admitting a connection.
type standing struct {
	who     Identity
	account string // "" for a stranger
	refusal string
}

type peerKey struct{}

// connect wraps a connection before its handshake; nil refuses it.
func (g *Gateway) connect(ctx ssh.Context, conn net.Conn) net.Conn {
	p := &peer{Conn: conn, g: g, source: sourceOf(conn.RemoteAddr()), gone: make(chan struct{})}
	if !g.door.arrive(p) {
		g.Log.WarnContext(ctx, "ssh connection refused: too many", "source", p.source)
		return nil
	}
	// The connection's own record, set before the first byte of its client:
	// nothing that a client says is kept in the context.
	ctx.SetValue(peerKey{}, p)
	return p
}

func peerOf(ctx ssh.Context) *peer { return ctx.Value(peerKey{}).(*peer) }

func (g *Gateway) handshakeFailed(conn net.Conn, err error) {
	// Why it failed names what the client offered, which may be anything and long.
	g.Log.Info("ssh handshake failed", "source", sourceOf(conn.RemoteAddr()), "err", printed(err.Error(), 300))
}

func (p *peer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	reads := p.reads.Add(1)
	if reads <= quickReads {
		quickAck(p.Conn)
	}
	if reads == 1 && n > 0 && b[0] != 'S' {
		return 0, errNotSSH
	}
	return n, err
}

// errNotSSH is of a client whose first word isn't its version, SSH-2.0-...: a
// browser, or somebody who announces another than themselves as a proxy would.
// The library skips lines before a version, which only servers may send.
var errNotSSH = errors.New("the client doesn't speak SSH")

func quickAck(c net.Conn) {
	if w, ok := c.(interface{ TCPConn() (*net.TCPConn, bool) }); ok { // one that a proxy has announced
		if tcp, ok := w.TCPConn(); ok {
			c = tcp
		}
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if rc, err := tcp.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
}

func (p *peer) Write(b []byte) (int, error) {
	_ = p.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := p.Conn.Write(b)
	if err != nil {
		_ = p.Close() // half a packet is out: the stream is of no more use
	}
	return n, err
}

func (p *peer) Close() error {
	err := p.Conn.Close()
	p.once.Do(func() {
		close(p.gone)
		p.g.door.leave(p)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.idle != nil {
			p.idle.Stop()
		}
	})
	return err
}

// enter lets in whoever has proved something, unless it has as many connections
// as it may: whose account it is can be asked later, and may be in vain. perms
// is nil for a guest.
func (p *peer) enter(perms *gossh.Permissions) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := proof(perms, p.source)
	switch {
	case p.full && perms == nil: // told already; no guest because of it
		return errTooMany
	case p.g.door.enter(p, who):
		return nil
	}
	p.full = true
	p.g.Log.Warn("ssh login refused: too many connections", "source", p.source, "of", who)
	return &gossh.BannerError{Err: errTooMany, Message: sayTooManyConnections + "\r\n"}
}

var errTooMany = errors.New("too many connections")

// failed holds back the answer to an address that fails often, once for each
// connection. Where that would take longer than a handshake may, it hangs up; so
// it does on who has too many connections, and was told before.
func (p *peer) failed() {
	p.mu.Lock()
	again, full := p.slowed, p.full
	p.slowed = true
	p.mu.Unlock()
	if again {
		return
	}
	wait := p.g.door.fail(p.source)
	if wait >= p.g.Limits.HandshakeTimeout || full && wait > 0 {
		_ = p.Close()
		return
	}
	pause := time.NewTimer(wait)
	defer pause.Stop()
	select {
	case <-p.gone:
	case <-pause.C:
	}
}

// authenticated moves the connection out of the queue of handshakes. One that
// then opens nothing is closed, and counts as one that failed.
func (p *peer) authenticated() {
	p.g.door.authenticated(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = time.AfterFunc(p.g.Limits.ConnectionIdleTime, func() {
		p.g.Log.Info("ssh connection closed: it opened nothing", "source", p.source, "of", p.proof)
		p.g.door.fail(p.source)
		_ = p.Close()
	})
}

// admit settles, once per connection, who this is and whether they may be
// here: the first channel asks, later ones get the same answer.
func (p *peer) admit(ctx context.Context, conn *gossh.ServerConn) standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		if p.idle != nil {
			p.idle.Stop()
		}
		st := p.g.judge(ctx, p, identify(conn))
		p.known = &st
		if st.refusal == "" {
			go p.keepAlive(conn)
		}
	}
	return *p.known
}

func (g *Gateway) judge(ctx context.Context, p *peer, who Identity) standing {
	st := standing{who: who}
	user, stranger := "", who.Guest()
	if !stranger {
		var err error
		user, err = g.Sandboxes.User(ctx, who)
		switch {
		case errors.Is(err, labs.ErrNotFound):
			stranger, user = true, strangerOf(who)
		case err != nil:
			g.Log.ErrorContext(ctx, "ssh login", "source", p.source, "err", err)
			st.refusal = sayUnavailable
			return st
		}
	}
	if stranger && !g.door.miss(p.source) {
		g.Log.WarnContext(ctx, "ssh login refused: too many without an account", "source", p.source)
		st.refusal = sayTooManyGuests
		return st
	}
	if !stranger {
		st.account = user
	}
	if user == "" {
		user = "guest at " + p.source
	}
	if !g.door.admit(p, st, user) {
		g.Log.WarnContext(ctx, "ssh login refused: too many connections of one user", "source", p.source, "user", user)
		st.refusal = sayTooManyConnections
		return st
	}
	g.Log.InfoContext(ctx, "ssh login", "source", p.source, "user", user, "account", !stranger)
	return st
}

// strangerOf is to whom the connections of a key count that no account has.
func strangerOf(who Identity) string { return "key " + who.Fingerprint + who.UserID }

// keepAlive ends the connection of a client that answers nothing.
func (p *peer) keepAlive(conn *gossh.ServerConn) {
	gone := make(chan struct{})
	go func() {
		_ = conn.Wait()
		close(gone)
	}()
	tick := time.NewTicker(p.g.Limits.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-tick.C:
		}
		dead := time.AfterFunc(p.g.Limits.KeepAliveTimeout, func() { _ = p.Close() })
		_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
		dead.Stop()
		if err != nil {
			<-gone
			return
		}
	}
}

// open counts a channel of a kind that may be open n times.
func (p *peer) open(count *int, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if *count >= n {
		return false
	}
	*count++
	return true
}

func (p *peer) closed(count *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*count--
}
