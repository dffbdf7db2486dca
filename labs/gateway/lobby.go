package gateway

import (
	"context"
	"io"
	"sync"

	"charm.land/ssh"
	"charm.land/wish/v2"
	gossh "golang.org/x/crypto/ssh"
)

const sayHelp = "CloudMastersHub, over ssh.\r\n" +
	"\r\n" +
	"  ssh HOST                  browse and learn (on a terminal)\r\n" +
	"  ssh SESSION@HOST          attach to a running lab of yours\r\n" +
	"  ssh SESSION@HOST CMD      run a command in it\r\n" +
	"  scp, sftp, ssh -L         copy files, reach its ports\r\n" +
	"  ssh HOST COMMAND          what cmh COMMAND does, as in: ssh HOST course list\r\n"

// enterLobby hands the channel to the library's session, and through it to
// the server's lobby. The library leaves several things to us: it grants agent
// forwarding, takes any environment, and its context is the connection's.
func (s *session) enterLobby(srv *ssh.Server, conn *gossh.ServerConn, reqs <-chan *gossh.Request, cctx ssh.Context) {
	s.mu.Lock()
	s.visit = &visit{ready: make(chan struct{})}
	s.mu.Unlock()
	out := make(chan *gossh.Request)
	go s.filter(reqs, out)
	ctx := &sessionContext{Context: cctx, own: s.ctx, values: map[any]any{}, session: s}
	ssh.DefaultSessionHandler(srv, conn, accepted{s.ch, out}, ctx)
	// The library returns when the channel has closed; its handler may still
	// be at work for a moment.
	s.cancel()
	s.visit.handler.Wait()
}

// A visit is a session's time in the lobby.
type visit struct {
	ready   chan struct{} // closed once the handler has taken the PTY over
	handler sync.WaitGroup
}

// filter passes on the requests that a lobby may see, cut to size. It ends
// the session's context with the channel.
func (s *session) filter(reqs <-chan *gossh.Request, out chan<- *gossh.Request) {
	defer close(out)
	defer s.cancel()
	envs, started := 0, false
	var resized []byte // before there was anybody to hear of it
	for req := range reqs {
		var ok bool
		switch req.Type {
		case "env":
			if ok = envs < maxEnv && (acceptEnv(req.Payload) || acceptTaste(req.Payload)); ok {
				s.hear(req)
			}
			envs++
		case "pty-req":
			req.Payload, ok = clampPTY(req.Payload)
		case "window-change":
			if req.Payload, ok = clampWindow(req.Payload); ok && !started {
				resized, ok = req.Payload, false
			}
		case "shell", "exec":
			if ok = !started; ok {
				started = true
				s.visit.handler.Add(1)
				out <- req
				<-s.visit.ready
				if resized != nil {
					out <- &gossh.Request{Type: "window-change", Payload: resized}
				}
				continue
			}
		case "eow@openssh.com":
			s.ch.setDeaf()
		default: // refused; signals too: no program is behind them
		}
		if ok {
			out <- req
		} else {
			reply(req, false)
		}
	}
}

// accepted is a channel that was accepted already, as the library wants it.
type accepted struct {
	ch   *channel
	reqs <-chan *gossh.Request
}

func (a accepted) Accept() (gossh.Channel, <-chan *gossh.Request, error) { return a.ch, a.reqs, nil }
func (a accepted) Reject(gossh.RejectionReason, string) error            { return nil }
func (a accepted) ChannelType() string                                   { return "session" }
func (a accepted) ExtraData() []byte                                     { return nil }

// A sessionContext is a context of one session: it ends with its channel, and
// what is stored in it stays there. The library's own is the connection's.
type sessionContext struct {
	ssh.Context
	own     context.Context
	session *session

	mu     sync.Mutex
	values map[any]any
}

func (c *sessionContext) Done() <-chan struct{} { return c.own.Done() }
func (c *sessionContext) Err() error            { return c.own.Err() }

func (c *sessionContext) SetValue(key, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values[key] = value
}

func (c *sessionContext) Value(key any) any {
	c.mu.Lock()
	v, ok := c.values[key]
	c.mu.Unlock()
	if ok {
		return v
	}
	return c.Context.Value(key)
}

// lobby is the one middleware: it gives the server's lobby a session that
// cannot block.
func (g *Gateway) lobby(ssh.Handler) ssh.Handler {
	return func(lib ssh.Session) {
		s := lib.Context().(*sessionContext).session
		defer s.visit.handler.Done()
		_, _, pty := lib.Pty()
		if pty {
			lib = drained(lib)
		}
		close(s.visit.ready)
		if !pty && lib.RawCommand() == "" {
			_, _ = wish.WriteString(lib, s.T(sayHelp))
			return
		}
		g.Lobby(lib, s.who)
		if g.closing() {
			s.say(sayClosing)
			s.ch.finish(exitLost)
		}
	}
}

// Raw is the output of a lobby's session as it is. The session itself begins
// each line at the left, as a terminal's driver would; that is wrong for what
// one has been at already.
func Raw(s ssh.Session) io.Writer {
	if ctx, ok := s.Context().(*sessionContext); ok {
		return ctx.session.ch
	}
	return s
}

// Joined tells that a visitor of the lobby, whose key nobody had, has an account now:
// all connections of that key count to it from here on.
func Joined(s ssh.Session, user string) {
	if ctx, ok := s.Context().(*sessionContext); ok && !ctx.session.who.Guest() {
		ctx.session.g.door.join(strangerOf(ctx.session.who), user)
	}
}

// drained returns s with its window changes always taken: the library's
// channel has one slot, and while it is full every later request waits.
func drained(s ssh.Session) ssh.Session {
	pty, in, _ := s.Pty()
	out := make(chan ssh.Window, 1)
	go func() {
		defer close(out)
		for w := range in {
			select {
			case out <- w:
			default: // an older one is still there: replace it
				select {
				case <-out:
				default:
				}
				out <- w
			}
		}
	}()
	return &drainedSession{s, pty, out}
}

type drainedSession struct {
	ssh.Session
	pty ssh.Pty
	win <-chan ssh.Window
}

func (s *drainedSession) Pty() (ssh.Pty, <-chan ssh.Window, bool) { return s.pty, s.win, true }
