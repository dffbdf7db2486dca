package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// ErrClosed is Open's answer for what the operator doesn't allow; its text is
// for the learner.
var ErrClosed = errors.New("labs may not reach")

// A Gate keeps the lines to the sandboxes of this host that have a way out. A
// line ends with the process that keeps it, and the next one opens it again.
type Gate struct {
	Allowed Rules // what the operator lets labs reach; no rule: nothing
	Log     *slog.Logger

	// As the Proxy's.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

	mu    sync.Mutex
	lines map[string]*line
}

// A line is one sandbox's way out, or the knowledge that it has none.
type line struct {
	client *ssh.Client
	stop   context.CancelFunc // of what is served over it
	ended  chan struct{}
}

// Open gives sandbox id a way to what want and the operator both allow; without
// a want, to all that the operator allows. It returns when connections from
// inside are taken, and does nothing when they are already. connect is the way
// to the agent.
func (g *Gate) Open(ctx context.Context, id string, want Rules, connect func(context.Context) (*ssh.Client, error)) error {
	if err := g.Permits(want); err != nil {
		return err
	}
	if g.Knows(id) {
		return nil
	}
	client, err := connect(ctx)
	if err != nil {
		return err
	}
	calls := client.HandleChannelOpen(proto.EgressCall)
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	ch, reqs, err := client.OpenChannel(proto.EgressLine, nil)
	stop()
	if err != nil {
		_ = client.Close()
		return fmt.Errorf("open the way out of %s: %w", id, err)
	}
	go ssh.DiscardRequests(reqs)
	rules := []Rules{g.Allowed}
	if len(want) > 0 {
		rules = append(rules, want)
	}
	// As long as the sandbox lives, whoever asked for it.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &line{client: client, stop: cancel, ended: make(chan struct{})}
	g.mu.Lock()
	if g.lines == nil {
		g.lines = map[string]*line{}
	}
	old := g.lines[id]
	g.lines[id] = l
	g.mu.Unlock()
	if old != nil {
		old.end()
	}
	p := &Proxy{Rules: rules, Lookup: g.Lookup, Dial: g.Dial}
	if g.Log != nil {
		p.Log = g.Log.With("sandbox", id)
	}
	go func() {
		defer cancel()
		_ = client.Wait()
	}()
	go func() {
		defer cancel()
		serve(serving, p, calls)
		_ = ch.Close()
		_ = client.Close()
		close(l.ended)
	}()
	return nil
}

// Permits returns an ErrClosed for rules that go beyond the operator's.
func (g *Gate) Permits(want Rules) error {
	beyond := want.Beyond(g.Allowed)
	if len(beyond) == 0 {
		return nil
	}
	names := make([]string, len(beyond))
	for i, r := range beyond {
		names[i] = r.String()
	}
	return fmt.Errorf("%w %s", ErrClosed, strings.Join(names, ", "))
}

// None notes that sandbox id has no way out, so that Knows says so.
func (g *Gate) None(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lines == nil {
		g.lines = map[string]*line{}
	}
	g.lines[id] = &line{}
}

// Knows reports whether nothing has to be opened for sandbox id.
func (g *Gate) Knows(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[id]
	if l == nil {
		return false
	}
	select {
	case <-l.ended: // nil, and never, where there is no line
		delete(g.lines, id)
		return false
	default:
		return true
	}
}

// Close closes the way out of sandbox id, and forgets it.
func (g *Gate) Close(id string) {
	g.mu.Lock()
	l := g.lines[id]
	delete(g.lines, id)
	g.mu.Unlock()
	if l != nil {
		l.end()
	}
}

func (l *line) end() {
	if l.client != nil {
		l.stop()
		_ = l.client.Close()
		<-l.ended
	}
}

// serve answers the agent's calls until the connection ends. Once ctx has, it
// only takes them out of the way: a connection ends when nobody waits in it.
func serve(ctx context.Context, p *Proxy, calls <-chan ssh.NewChannel) {
	free := make(chan struct{}, maxConns)
	for nc := range calls {
		select {
		case free <- struct{}{}: // the others wait for their turn
		case <-ctx.Done():
			continue
		}
		go func() {
			defer func() { <-free }()
			ch, reqs, err := nc.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(reqs)
			p.Serve(ctx, ch)
		}()
	}
}
