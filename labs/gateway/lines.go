package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

const (
	// A line that nobody uses is kept for whoever comes next, this long: not
	// so long that a storm of visitors leaves anything behind.
	lineRest = 2 * time.Second
	// An agent that is there answers at once, unless its machine has no time for it.
	lineLimit = 30 * time.Second
)

// lines are the connections to agents: one for each sandbox, shared by all of
// its sessions, because a handshake is most of what an attach costs and eight
// goroutines are most of what a session keeps. Channels don't wait for each
// other: each has its own window.
type lines struct {
	driver labs.Driver

	mu sync.Mutex
	to map[string]*line
}

type line struct {
	ready  chan struct{} // closed when it is there, or isn't
	client *gossh.Client
	err    error

	// Guarded by lines.mu.
	users int
	rest  *time.Timer
}

var errSilent = errors.New("the agent does not answer")

// dial returns a line to the sandbox, a new one or the one that is there. The
// caller hangs up.
func (ls *lines) dial(ctx context.Context, id string) (*line, error) {
	for {
		ls.mu.Lock()
		l := ls.to[id]
		fresh := l == nil
		if fresh {
			l = &line{ready: make(chan struct{})}
			ls.to[id] = l
		}
		l.users++
		if l.rest != nil {
			l.rest.Stop()
			l.rest = nil
		}
		ls.mu.Unlock()
		if fresh {
			ls.connect(ctx, id, l)
		}
		select {
		case <-l.ready:
		case <-ctx.Done():
			ls.hangUp(id, l)
			return nil, ctx.Err()
		}
		if l.err == nil {
			return l, nil
		}
		ls.hangUp(id, l)
		// Whoever dialled may have left meanwhile, which says nothing to us.
		if fresh || ctx.Err() != nil || !errors.Is(l.err, context.Canceled) {
			return nil, l.err
		}
	}
}

func (ls *lines) connect(ctx context.Context, id string, l *line) {
	l.client, l.err = labs.Connect(ctx, ls.driver, id)
	if l.err != nil {
		ls.forget(id, l)
	} else {
		go func() {
			_ = l.client.Wait()
			ls.forget(id, l)
		}()
	}
	close(l.ready)
}

// forget takes a line out of use: it has ended, or is no good.
func (ls *lines) forget(id string, l *line) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.to[id] == l {
		delete(ls.to, id)
	}
}

// hangUp says that one user of the line needs it no more.
func (ls *lines) hangUp(id string, l *line) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	l.rest = time.AfterFunc(lineRest, func() {
		ls.mu.Lock()
		idle := l.users == 0
		if idle && ls.to[id] == l {
			delete(ls.to, id)
		}
		ls.mu.Unlock()
		if idle && l.client != nil {
			_ = l.client.Close()
		}
	})
}

// close ends all lines.
func (ls *lines) close() {
	ls.mu.Lock()
	all := ls.to
	ls.to = map[string]*line{}
	ls.mu.Unlock()
	for _, l := range all {
		select {
		case <-l.ready:
			if l.client != nil {
				_ = l.client.Close()
			}
		default: // whoever dials it sees its own end
		}
	}
}

// A call is a channel on a line.
type call struct {
	gossh.Channel
	replies <-chan *gossh.Request
	line    *line
	end     func()

	mu   sync.Mutex
	over bool
	late *time.Timer
}

// leave closes the channel; its reader sees the end once the agent does. An
// agent that is silent loses the whole line, or the reader would wait for ever.
func (c *call) leave() {
	_ = c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late == nil && !c.over {
		c.late = time.AfterFunc(lineLimit, func() { _ = c.line.client.Close() })
	}
}

// hangUp closes the channel and gives the line back. It may be called twice.
func (c *call) hangUp() {
	_ = c.Close()
	c.mu.Lock()
	c.over = true
	if c.late != nil {
		c.late.Stop()
	}
	c.mu.Unlock()
	c.end()
}

// call opens a channel to the sandbox's agent. A line that broke since it was
// last used is dialled once more.
func (ls *lines) call(ctx context.Context, id, kind string, extra []byte) (*call, error) {
	for try := 1; ; try++ {
		l, err := ls.dial(ctx, id)
		if err != nil {
			return nil, err
		}
		silent := time.AfterFunc(lineLimit, func() { _ = l.client.Close() })
		ch, replies, err := l.client.OpenChannel(kind, extra)
		if err == nil && !silent.Stop() {
			err = errSilent
		}
		silent.Stop()
		if err == nil {
			return &call{Channel: ch, replies: replies, line: l, end: sync.OnceFunc(func() { ls.hangUp(id, l) })}, nil
		}
		ls.hangUp(id, l)
		var refused *gossh.OpenChannelError
		if errors.As(err, &refused) || try == 2 || ctx.Err() != nil {
			return nil, err
		}
		ls.forget(id, l)
	}
}
