package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/words/more"
)

// What learners are told. A lab that isn't there and one that isn't theirs
// read the same.
const (
	sayNoLab              = "There is no running lab of yours by that name. See yours with: cmh lab list"
	sayNotOpen            = "Your account may not do this."
	sayNotRunning         = "You have no running session of that lab. Start one with: cmh lab start"
	sayUnreachable        = "The lab could not be reached. Please try again in a moment."
	sayLost               = "The connection to the lab was lost."
	sayUnavailable        = "We cannot look up your account right now. Please try again in a moment."
	sayTooManyGuests      = "Too many logins without an account from your address. Please wait a minute."
	sayTooManyConnections = "You have too many connections open. Close one first."
	sayTooManySessions    = "too many sessions on one connection"
	sayClosing            = "The gateway is restarting. Your lab goes on: connect again in a moment."
)

// Exit statuses of the gateway's own (a command's pass through).
const (
	exitUsage    = 2
	exitNotFound = 5
	exitMayNot   = 6
	exitLater    = 75
	exitLost     = 255
)

// A session is one session channel of a client. Its state is its own: other
// sessions of the same connection share nothing with it.
type session struct {
	g    *Gateway
	peer *peer
	who  Identity
	name string // what the client asked for as its user
	ch   *channel
	log  []any

	mu    sync.Mutex
	visit *visit            // in the lobby; set once
	env   map[string]string // of the client, as far as it says a language

	ctx    context.Context // ends with the channel
	cancel context.CancelFunc
}

// serveSession is the handler of every session channel.
func (g *Gateway) serveSession(srv *ssh.Server, conn *gossh.ServerConn, nc gossh.NewChannel, cctx ssh.Context) {
	p := peerOf(cctx)
	if !p.open(&p.sessions, g.Limits.Sessions) {
		_ = nc.Reject(gossh.ResourceShortage, sayTooManySessions)
		return
	}
	defer p.closed(&p.sessions)
	raw, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	s := &session{g: g, peer: p, who: identify(conn), name: conn.User(), ch: &channel{Channel: raw}}
	s.ctx, s.cancel = context.WithCancel(cctx)
	defer s.cancel()
	if !g.enter(s) {
		s.refuse(reqs, sayClosing, exitLater)
		return
	}
	defer g.leave(s)
	// Who it is and where they may go are asked at once; the second answer
	// counts for nothing unless the first lets them in.
	resolved := s.resolving()
	defer func() { s.cancel(); _, _ = resolved() }()
	st := p.admit(cctx, conn)
	s.log = []any{"source", p.source, "name", printed(s.name, 64), "user", g.door.userOf(p)}
	if st.refusal != "" {
		s.refuse(reqs, st.refusal, exitLater)
		return
	}
	if session, ok := watched(s.name); ok {
		s.watch(session, reqs)
		return
	}
	to, err := resolved()
	switch {
	case err == nil:
		s.proxy(to, reqs)
	case errors.Is(err, ErrNotRunning):
		s.refuse(reqs, sayNotRunning, exitNotFound)
	case errors.Is(err, labs.ErrNotFound) && (sessionID(s.name) || s.byNode()):
		g.Log.InfoContext(s.ctx, "ssh session refused", append(s.log, "err", err)...)
		s.refuse(reqs, sayNoLab, exitNotFound)
	case errors.Is(err, labs.ErrNotFound) && s.who.UserID != "":
		// A certificate is for one lab, and for nothing else once that is gone:
		// what asked for it may have had fewer rights than its account.
		s.refuse(reqs, sayNoLab, exitNotFound)
	case errors.Is(err, labs.ErrNotFound):
		s.enterLobby(srv, conn, reqs, cctx)
	default:
		g.Log.ErrorContext(s.ctx, "ssh session", append(s.log, "err", err)...)
		s.refuse(reqs, sayUnreachable, exitLater)
	}
}

// resolve asks where the client means to go. What names no lab by its form
// isn't asked for: most clients send the name of their local user.
func (s *session) resolve() (Place, error) {
	ref, host, more := strings.Cut(s.name, hostMark)
	if _, watch := watched(s.name); watch || s.who.Guest() || !slug(ref) || reserved(ref) || more && !slug(host) {
		return Place{}, labs.ErrNotFound
	}
	to, err := s.g.Sandboxes.Resolve(s.ctx, s.who, s.name)
	if err == nil {
		s.peer.owner.Store(true)
	}
	return to, err
}

// resolving begins to resolve, and returns what waits for the answer.
func (s *session) resolving() func() (Place, error) {
	var to Place
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		to, err = s.resolve()
	}()
	return func() (Place, error) {
		<-done
		return to, err
	}
}

// byNode says whether the client means one of a lab's hosts.
func (s *session) byNode() bool { return strings.Contains(s.name, hostMark) }

// hostMark stands between a lab and one of its hosts: s-4kq2m7ah3x+node01.
const hostMark = "+"

func reserved(name string) bool { return name == "cmh" || name == "learn" || name == "guest" }

// slug says whether name has the form of a lab's or a session's id.
func slug(name string) bool {
	if name == "" || len(name) > 63 || name[0] == '-' {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// sessionID says whether name has the form of a session's id, which no lab
// and hardly any user has.
func sessionID(name string) bool {
	rest, ok := strings.CutPrefix(name, "s-")
	return ok && len(rest) == 10 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}

// printed is what a client said, for the log: short, and nothing that the terminal
// obeys on which somebody reads it.
func printed(s string, n int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, clip(s, n))
}

// refuse waits for what the client wants to run, says why it can't, and ends.
func (s *session) refuse(reqs <-chan *gossh.Request, line string, status int) {
	for req := range reqs {
		switch req.Type {
		case "pty-req", "env":
			s.hear(req)
			reply(req, true)
		case "shell", "exec", "subsystem":
			reply(req, true)
			s.say(line)
			s.ch.finish(status)
			drop(reqs)
			return
		default:
			reply(req, false)
		}
	}
}

// hear notes which language a client wants.
func (s *session) hear(req *gossh.Request) {
	if req.Type != "env" || !acceptEnv(req.Payload) && !acceptTaste(req.Payload) {
		return
	}
	var kv struct{ Key, Value string }
	_ = gossh.Unmarshal(req.Payload, &kv) // it was read before
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.env == nil {
		s.env = map[string]string{}
	}
	if len(s.env) < maxEnv {
		s.env[kv.Key] = kv.Value
	}
}

// T is a line of ours in the client's language.
func (s *session) T(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	getenv := func(name string) string { return s.env[name] }
	return more.Languages.For(getenv("CMH_LANGUAGE"), getenv).Told(line)
}

func (s *session) say(line string) { s.ch.say(s.T(line)) }

// goodbye tells the learner that the gateway closes, and ends the session.
func (s *session) goodbye() {
	s.mu.Lock()
	v := s.visit
	s.mu.Unlock()
	if v != nil {
		s.cancel() // a TUI restores the screen, then it is told: see lobby
		return
	}
	s.ch.hangUp("\r\n"+s.T(sayClosing), exitLost)
}

func reply(req *gossh.Request, ok bool) {
	if req.WantReply {
		_ = req.Reply(ok, nil)
	}
}

// drop answers what still comes, until the channel closes.
func drop(reqs <-chan *gossh.Request) {
	for req := range reqs {
		reply(req, false)
	}
}

// A channel is a client's session channel that knows when the client has
// stopped reading, and ends once.
type channel struct {
	gossh.Channel
	mu   sync.Mutex
	deaf bool
	done bool
}

func (c *channel) Write(p []byte) (int, error) {
	c.mu.Lock()
	deaf := c.deaf
	c.mu.Unlock()
	if deaf {
		return 0, syscall.EPIPE
	}
	return c.Channel.Write(p)
}

func (c *channel) setDeaf() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = true
}

func (c *channel) say(line string) { _, _ = io.WriteString(c.Stderr(), line+"\r\n") }

// end says whether the caller is the first to end the channel.
func (c *channel) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.done
	c.done = true
	return first
}

// hangUp ends the channel beside whoever still writes to it, so without the end
// of output that only a last writer may send.
func (c *channel) hangUp(line string, status int) {
	if c.end() {
		c.say(line)
		_, _ = c.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{uint32(status)}))
	}
	_ = c.Close()
}

func (c *channel) finish(status int) {
	c.finishWith("exit-status", gossh.Marshal(struct{ Status uint32 }{uint32(status)}))
}

func (c *channel) finishWith(kind string, payload []byte) {
	if c.end() {
		_, _ = c.SendRequest(kind, false, payload)
		_ = c.CloseWrite()
	}
	_ = c.Close()
}

// acceptEnv says whether a client may set a variable. Which terminal to
// attach to is the learner's own business.
func acceptEnv(payload []byte) bool {
	name := envName(payload)
	switch name {
	case "LANG", "TERM", "COLORTERM", proto.LanguageEnv, proto.SessionEnv:
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

// acceptTaste says whether a variable only changes how the lobby looks. No
// program of a lab sees it.
func acceptTaste(payload []byte) bool {
	switch envName(payload) {
	case "CMH_ACCESSIBLE", "CMH_LANGUAGE", "CMH_PREFIX", "CMH_THEME", "COLORFGBG", "NO_COLOR":
		return true
	}
	return false
}

// envName is the name of a variable that a client sets, empty where that can't
// be right.
func envName(payload []byte) string {
	var kv struct{ Key, Value string }
	if gossh.Unmarshal(payload, &kv) != nil || len(kv.Key) > 64 || len(kv.Value) > 256 || strings.ContainsAny(kv.Key+kv.Value, "\x00\n=") {
		return ""
	}
	return kv.Key
}

const maxEnv = 32

type ptyRequest struct {
	Term                      string
	Cols, Rows, Width, Height uint32
	Modes                     string
}

// clampPTY returns a pty-req whose terminal's name is a name and whose size is
// one: TERM and the window are whatever a client likes to say.
func clampPTY(payload []byte) ([]byte, bool) {
	var p ptyRequest
	if gossh.Unmarshal(payload, &p) != nil || len(p.Modes) > 2048 {
		return nil, false
	}
	if len(p.Term) > 64 || strings.ContainsFunc(p.Term, func(r rune) bool { return r < '!' || r > '~' }) {
		p.Term = "xterm"
	}
	p.Cols, p.Rows = clampSize(p.Cols, 80), clampSize(p.Rows, 24)
	p.Width, p.Height = min(p.Width, 1<<16-1), min(p.Height, 1<<16-1)
	return gossh.Marshal(p), true
}

// clampWindow does it for a window-change.
func clampWindow(payload []byte) ([]byte, bool) {
	if len(payload) != 16 {
		return nil, false
	}
	out := append([]byte(nil), payload...)
	binary.BigEndian.PutUint32(out[0:], clampSize(binary.BigEndian.Uint32(out[0:]), 80))
	binary.BigEndian.PutUint32(out[4:], clampSize(binary.BigEndian.Uint32(out[4:]), 24))
	for i := 8; i < 16; i += 4 {
		binary.BigEndian.PutUint32(out[i:], min(binary.BigEndian.Uint32(out[i:]), 1<<16-1))
	}
	return out, true
}

// windowSize reads a window-change that clampWindow has let through.
func windowSize(payload []byte) (columns, rows uint32) {
	return binary.BigEndian.Uint32(payload), binary.BigEndian.Uint32(payload[4:])
}

func clampSize(n, def uint32) uint32 {
	if n == 0 {
		n = def
	}
	return min(n, 1000)
}
