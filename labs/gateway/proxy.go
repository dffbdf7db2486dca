package gateway

import (
	"context"
	"io"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// proxy copies the session to the agent in the sandbox of to. Requests pass as
// they are, but only those that serve a learner, and cut to size; none that
// starts anything does before its door is open.
func (s *session) proxy(to Place, reqs <-chan *gossh.Request) {
	id := to.Sandbox
	type dialled struct {
		inner *call
		err   error
	}
	// The hop is made while the client is still saying what it wants.
	dial := make(chan dialled, 1)
	go func() {
		c, err := s.g.lines.call(s.ctx, id, "session", nil)
		dial <- dialled{c, err}
	}()
	var inner *call
	defer func() {
		if inner == nil {
			s.cancel()
			inner = (<-dial).inner
		}
		if inner != nil {
			inner.hangUp()
		}
	}()

	var before []*gossh.Request // to be repeated to the agent first
	pty, envs := false, 0
	for req := range reqs {
		switch req.Type {
		case "env":
			ok := envs < maxEnv && acceptEnv(req.Payload)
			if ok {
				s.hear(req)
				envs++
				before = append(before, &gossh.Request{Type: req.Type, Payload: req.Payload})
			}
			reply(req, ok)
		case "pty-req":
			payload, ok := clampPTY(req.Payload)
			ok = ok && !pty
			if ok {
				pty = true
				before = append(before, &gossh.Request{Type: req.Type, Payload: payload})
			}
			reply(req, ok)
		case "window-change":
			if payload, ok := clampWindow(req.Payload); ok && pty {
				before = append(before[:min(len(before), maxEnv+8)], &gossh.Request{Type: req.Type, Payload: payload})
			}
			reply(req, pty)
		case "shell", "exec", "subsystem":
			if req.Type == "subsystem" && !sftp(req.Payload) {
				reply(req, false)
				continue
			}
			if err := to.opens(doorOf(req.Type), s.byNode()); err != nil {
				s.g.Log.InfoContext(s.ctx, "ssh door refused", append(s.log, "door", doorOf(req.Type), "err", err)...)
				reply(req, true)
				s.say(sayNotOpen)
				s.ch.finish(exitMayNot)
				drop(reqs)
				return
			}
			s.run(id, func() (*call, error) {
				d := <-dial
				inner = d.inner
				dial <- dialled{} // for the deferred receive
				return inner, d.err
			}, before, req, reqs)
			return
		default:
			reply(req, false)
		}
	}
}

func sftp(payload []byte) bool {
	var p struct{ Name string }
	return gossh.Unmarshal(payload, &p) == nil && p.Name == "sftp"
}

// run starts the client's request at the agent, once dialled is, and copies until
// its end.
func (s *session) run(id string, dialled func() (*call, error), before []*gossh.Request, req *gossh.Request, reqs <-chan *gossh.Request) {
	var rec Recorder
	if req.Type == "shell" {
		var notice string
		if rec, notice = s.record(id, before); rec != nil {
			defer rec.Close()
		}
		if notice != "" {
			before = append(before, &gossh.Request{Type: "env", Payload: gossh.Marshal(struct{ Key, Value string }{proto.NoticeEnv, s.T(notice)})})
		}
	}
	inner, err := dialled()
	for _, b := range before {
		if err == nil {
			_, err = inner.SendRequest(b.Type, false, b.Payload)
		}
	}
	ok := false
	if err == nil {
		ok, err = inner.SendRequest(req.Type, true, req.Payload)
	}
	if err != nil {
		s.g.Log.WarnContext(s.ctx, "ssh session", append(s.log, "sandbox", id, "err", err)...)
		reply(req, true)
		s.say(sayUnreachable)
		s.ch.finish(exitLater)
		drop(reqs)
		return
	}
	reply(req, ok)
	if !ok {
		_ = s.ch.Close()
		drop(reqs)
		return
	}
	var noted sync.WaitGroup
	if req.Type == "shell" { // in the books, which nobody at a prompt waits for
		noted.Go(func() { s.g.present.attach(s.ctx, s.g.Sandboxes, id) })
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		s.relayRequests(inner, reqs, rec)
		inner.leave() // the learner has left; so the agent hears of it
	})
	go func() {
		_, _ = io.CopyBuffer(inner, s.ch, make([]byte, 16<<10))
		_ = inner.CloseWrite()
	}()
	s.relayOutput(inner, rec)
	inner.hangUp()
	if req.Type == "shell" {
		noted.Wait()
		s.g.present.detach(s.ctx, s.g.Sandboxes, id)
	}
	copying.Wait()
}

// relayRequests passes on what a client may say to a running program, until
// its channel closes.
func (s *session) relayRequests(inner gossh.Channel, reqs <-chan *gossh.Request, rec Recorder) {
	for req := range reqs {
		ok := false
		switch req.Type {
		case "window-change":
			var payload []byte
			if payload, ok = clampWindow(req.Payload); ok {
				_, err := inner.SendRequest(req.Type, false, payload)
				ok = err == nil
				if rec != nil {
					columns, rows := windowSize(payload)
					rec.Resize(int(columns), int(rows))
				}
			}
		case "signal":
			_, err := inner.SendRequest(req.Type, false, req.Payload)
			ok = err == nil
		case "eow@openssh.com":
			s.ch.setDeaf()
			_, err := inner.SendRequest(req.Type, false, nil)
			ok = err == nil
		}
		reply(req, ok)
	}
}

// relayOutput copies what the program prints, then says how it ended: in this
// order, because a status that overtakes the output cuts it off.
func (s *session) relayOutput(inner *call, rec Recorder) {
	status := s.copyOutput(inner, rec)
	if status == nil {
		s.say(sayLost)
		s.ch.finish(exitLost)
		return
	}
	s.ch.finishWith(status.Type, status.Payload)
}

// copyOutput copies what the program prints, to its end, and returns how it
// ended; nil when that was not said.
func (s *session) copyOutput(inner *call, rec Recorder) (status *gossh.Request) {
	var out sync.WaitGroup
	pass := func(dst io.Writer, src io.Reader, size int) {
		if _, err := io.CopyBuffer(dst, src, make([]byte, size)); err != nil {
			_, _ = io.Copy(io.Discard, src) // the rest is for nobody, but must not hold the agent
		}
	}
	var terminal io.Writer = s.ch
	if rec != nil {
		terminal = io.MultiWriter(s.ch, rec)
	}
	out.Go(func() { pass(terminal, inner, 32<<10) })
	out.Go(func() { pass(s.ch.Stderr(), inner.Stderr(), 4<<10) })
	for req := range inner.replies {
		switch req.Type {
		case "exit-status", "exit-signal":
			status = req
		}
		reply(req, false)
	}
	out.Wait()
	return status
}

// presence counts the terminals that are attached to each sandbox.
type presence struct {
	mu sync.Mutex
	of map[string]*attached
}

type attached struct {
	mu   sync.Mutex // held while the server is told, so that it hears in order
	n    int
	refs int // guarded by presence.mu
}

// tellTimeout bounds telling the server; the learner waits meanwhile.
const tellTimeout = 5 * time.Second

func (p *presence) attach(ctx context.Context, to Sandboxes, id string) {
	p.with(id, func(a *attached) {
		if a.n++; a.n == 1 {
			tell(ctx, to.Attached, id)
		}
	})
}

func (p *presence) detach(ctx context.Context, to Sandboxes, id string) {
	p.with(id, func(a *attached) {
		if a.n--; a.n == 0 {
			tell(ctx, to.Detached, id)
		}
	})
}

func (p *presence) with(id string, fn func(*attached)) {
	p.mu.Lock()
	a := p.of[id]
	if a == nil {
		a = &attached{}
		p.of[id] = a
	}
	a.refs++
	p.mu.Unlock()
	a.mu.Lock()
	fn(a)
	a.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.refs--; a.refs == 0 && a.n == 0 { // nobody else is at it: n may be read
		delete(p.of, id)
	}
}

func tell(ctx context.Context, fn func(context.Context, string), id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	fn(ctx, id)
}
