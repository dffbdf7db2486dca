// Package gateway lets learners reach the platform with plain ssh. It proves
// who holds which key, asks Sandboxes where they may go, and copies the session
// to the agent inside their sandbox; whoever names no lab gets the lobby, which
// its caller brings. It decides nothing else: whose lab is whose, and what the
// lobby shows, are the server's.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"charm.land/ssh"
	"charm.land/wish/v2"
	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

// An Identity is what a client has proved about itself: a key, or a
// certificate of ours. Its zero value is a guest who showed neither.
type Identity struct {
	Fingerprint string // SHA256:..., of the proven key
	UserID      string // from the key id of a certificate that our authority signed
}

// Guest says that nothing was proved.
func (id Identity) Guest() bool { return id == Identity{} }

// ErrNotRunning is Resolve's answer for a lab that exists while the caller has
// no session of it running.
var ErrNotRunning = errors.New("gateway: no running session of that lab")

// Sandboxes is what the gateway must ask. Its methods are called from several
// goroutines, for every session anew: nothing is remembered between two
// sessions on one connection.
type Sandboxes interface {
	// User returns the account that who belongs to, or labs.ErrNotFound for a
	// key that no account has. Its connections are counted together.
	User(ctx context.Context, who Identity) (userID string, err error)

	// Users returns the accounts that those of who belong to who have one still.
	// It is asked every few seconds, for all connections at once; nobody logs in
	// by it.
	Users(ctx context.Context, who []Identity) (map[Identity]string, error)

	// Resolve returns where name leads who: to one of their own sessions, by
	// its id or by its lab's, and after a "+" to one of its hosts. It returns
	// labs.ErrNotFound for what doesn't exist and what isn't theirs alike, and
	// ErrNotRunning for a lab in the catalogue of which they have no running
	// session.
	Resolve(ctx context.Context, who Identity, name string) (Place, error)

	// Watch returns the sandbox of somebody's session, by its id, that who may
	// look on in, and what its learner is to call them. It returns
	// labs.ErrNotFound unless its learner agrees at this moment.
	Watch(ctx context.Context, who Identity, session string) (sandboxID, name string, err error)

	// Record returns what takes the output of a shell that is being attached
	// to; nil when its learner wants no recording. notice is for the learner.
	// The gateway closes it.
	Record(ctx context.Context, sandboxID, term string, columns, rows int) (r Recorder, notice string, err error)

	// Attached and Detached tell that the first terminal was attached to a
	// sandbox, and that the last one has left.
	Attached(ctx context.Context, sandboxID string)
	Detached(ctx context.Context, sandboxID string)
}

// A Lobby serves a session that named no lab: a TUI on a terminal, a command
// without. The session's context is its own, not the connection's: it ends
// with the session's channel and values set in it are nobody else's.
type Lobby func(s ssh.Session, who Identity)

// Config is what a gateway needs. Fields without a default are required.
type Config struct {
	Addr      string       // to listen on, unless Listener is set
	Listener  net.Listener // closed by Run
	HostKey   []byte       // PEM
	UserCA    gossh.PublicKey
	Sandboxes Sandboxes
	Lobby     Lobby
	Driver    labs.Driver // only Dial is used
	Log       *slog.Logger
	Limits    Limits
	Now       func() time.Time // time.Now when nil
}

// Limits bound what clients can take. A zero field takes the default written
// beside it.
type Limits struct {
	Connections        int           // 4096, all together
	PerSource          int           // 256 connections of one address, all its users together
	Handshakes         int           // 100 unfinished ones of one address; the oldest makes room
	PerUser            int           // 20 connections of one account, and of one key, known or not
	Sessions           int           // 10 of one connection
	Forwards           int           // 64 forwarded ports' connections of one connection
	GuestsPerMinute    int           // 60 logins a minute without an account or failed, from one address; who fails beyond waits
	HandshakeTimeout   time.Duration // 20 s: whoever has a security key has to find and touch it
	KeepAlive          time.Duration // 15 s between two questions whether a client lives
	KeepAliveTimeout   time.Duration // 25 s for the answer
	DrainTimeout       time.Duration // 5 s for sessions to end at shutdown
	ConnectionIdleTime time.Duration // 30 s from authentication to the first session
}

func (l Limits) withDefaults() Limits {
	n := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	dur := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	n(&l.Connections, 4096)
	n(&l.PerSource, 256)
	n(&l.Handshakes, 100)
	n(&l.PerUser, 20)
	n(&l.Sessions, 10)
	n(&l.Forwards, 64)
	n(&l.GuestsPerMinute, 60)
	dur(&l.HandshakeTimeout, 20*time.Second)
	dur(&l.KeepAlive, 15*time.Second)
	dur(&l.KeepAliveTimeout, 25*time.Second)
	dur(&l.DrainTimeout, 5*time.Second)
	dur(&l.ConnectionIdleTime, 30*time.Second)
	return l
}

// A Gateway is an SSH server in front of the sandboxes.
type Gateway struct {
	Config
	srv     *ssh.Server
	door    *door
	present presence
	lines   lines

	mu       sync.Mutex
	sessions map[*session]struct{}
	draining bool
	wg       sync.WaitGroup // of everything that serves a session
}

// New checks cfg. Nothing listens before Run.
func New(cfg Config) (*Gateway, error) {
	switch {
	case cfg.Addr == "" && cfg.Listener == nil:
		return nil, errors.New("gateway: no address to listen on")
	case len(cfg.HostKey) == 0, cfg.Sandboxes == nil, cfg.Lobby == nil, cfg.Driver == nil, cfg.Log == nil:
		return nil, errors.New("gateway: HostKey, Sandboxes, Lobby, Driver and Log are required")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	g := &Gateway{Config: cfg, sessions: map[*session]struct{}{}, present: presence{of: map[string]*attached{}}, lines: lines{driver: cfg.Driver, to: map[string]*line{}}}
	g.door = newDoor(g.Limits, g.Now)
	srv, err := wish.NewServer(
		wish.WithHostKeyPEM(cfg.HostKey),
		// OpenSSH tells only its own kind that it has stopped reading.
		wish.WithVersion("OpenSSH_9.9-cmh"),
		g.options,
		wish.WithMiddleware(g.lobby),
	)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g.srv = srv
	return g, nil
}

func (g *Gateway) options(srv *ssh.Server) error {
	srv.HandshakeTimeout = g.Limits.HandshakeTimeout
	srv.ServerConfigCallback = g.serverConfig
	srv.ConnCallback = g.connect
	srv.ConnectionFailedCallback = g.handshakeFailed
	// Every channel type and global request that is not here is refused:
	// remote forwarding, Unix sockets, X11, agents, tunnels.
	srv.ChannelHandlers = map[string]ssh.ChannelHandler{
		"session":      g.serveSession,
		"direct-tcpip": g.serveForward,
	}
	srv.RequestHandlers = map[string]ssh.RequestHandler{}
	srv.SubsystemHandlers = map[string]ssh.SubsystemHandler{}
	return nil
}

// Run serves until ctx ends; then it tells those who are connected, gives
// them a moment, and returns nil. Labs go on.
func (g *Gateway) Run(ctx context.Context) error {
	l := g.Listener
	if l == nil {
		var err error
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", g.Addr); err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	looked := make(chan struct{})
	defer func() { stop(); <-looked }()
	go func() {
		defer close(looked)
		g.looking(ctx)
	}()
	served := make(chan error, 1)
	go func() { served <- g.srv.Serve(l) }()
	select {
	case err := <-served:
		_ = g.srv.Close()
		return fmt.Errorf("gateway: %w", err)
	case <-ctx.Done():
	}
	err := g.drain(context.WithoutCancel(ctx))
	if serr := <-served; err == nil && !errors.Is(serr, ssh.ErrServerClosed) {
		err = serr
	}
	return err
}

// drain ends every session with a word to its learner.
func (g *Gateway) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.Limits.DrainTimeout)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = g.srv.Shutdown(ctx) // closes the listener first, then waits for connections
	}()
	g.mu.Lock()
	g.draining = true
	for s := range g.sessions {
		go s.goodbye()
	}
	g.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	_ = g.srv.Close()
	g.door.closeAll()
	g.lines.close()
	<-closed
	// The connections are closed; only a lobby that ignores its context can
	// still be at work.
	late := time.NewTimer(g.Limits.DrainTimeout)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
		return errors.New("gateway: sessions in the lobby did not end")
	}
}

// enter registers a session, unless the gateway is closing.
func (g *Gateway) enter(s *session) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.sessions[s] = struct{}{}
	g.wg.Add(1)
	return true
}

func (g *Gateway) leave(s *session) {
	g.mu.Lock()
	delete(g.sessions, s)
	g.mu.Unlock()
	g.wg.Done()
}

func (g *Gateway) closing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.draining
}
