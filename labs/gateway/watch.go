package gateway

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// WatchPrefix stands before a session's id in the user name of who only looks
// on.
const WatchPrefix = "watch-"

// consentEvery is how often it is asked whether the learner still agrees.
const consentEvery = 2 * time.Second

const (
	sayWatchTerminal = "Looking on needs a terminal, and runs no commands."
	sayWatchEnded    = "The learner no longer shares this lab, or it has ended."
	plainScreen      = "\x1b[?1049l\x1b[?25h"
)

// partTime is what an onlooker has to read the rest when the view ends. Who
// reads nothing then loses the connection, before lineLimit takes the learner's
// line for silent.
const partTime = lineLimit / 2

// watched is the session that name asks to look on in.
func watched(name string) (session string, ok bool) {
	session, ok = strings.CutPrefix(name, WatchPrefix)
	return session, ok && sessionID(session)
}

// watch shows somebody else's terminal. Nothing that the client says goes to
// the lab but the size of its own window: no input, no signals, no commands.
// The agent holds to that once more.
func (s *session) watch(session string, reqs <-chan *gossh.Request) {
	id, name, err := "", "", labs.ErrNotFound
	if !s.who.Guest() {
		id, name, err = s.g.Sandboxes.Watch(s.ctx, s.who, session)
	}
	switch {
	case errors.Is(err, labs.ErrNotFound):
		s.g.Log.InfoContext(s.ctx, "ssh watch refused", append(s.log, "err", err)...)
		s.refuse(reqs, sayNoLab, exitNotFound)
		return
	case err != nil:
		s.g.Log.ErrorContext(s.ctx, "ssh watch", append(s.log, "err", err)...)
		s.refuse(reqs, sayUnreachable, exitLater)
		return
	}
	terminal, pty := "", []byte(nil)
	for req := range reqs {
		switch req.Type {
		case "env":
			s.hear(req)
			var kv struct{ Key, Value string }
			ok := gossh.Unmarshal(req.Payload, &kv) == nil && kv.Key == proto.SessionEnv
			if ok {
				terminal = clip(kv.Value, 64)
			}
			reply(req, ok)
		case "pty-req":
			payload, ok := clampPTY(req.Payload)
			if ok {
				pty = payload
			}
			reply(req, ok)
		case "shell":
			reply(req, true)
			if pty == nil {
				s.say(sayWatchTerminal)
				s.ch.finish(exitUsage)
				drop(reqs)
				return
			}
			s.look(session, id, name, terminal, pty, reqs)
			return
		case "exec", "subsystem":
			reply(req, true)
			s.say(sayWatchTerminal)
			s.ch.finish(exitUsage)
			drop(reqs)
			return
		default:
			reply(req, false)
		}
	}
}

func (s *session) look(session, id, name, terminal string, pty []byte, reqs <-chan *gossh.Request) {
	inner, err := s.g.lines.call(s.ctx, id, "session", nil)
	if err == nil {
		defer inner.hangUp()
	}
	ask := func(kind string, payload []byte) {
		var ok bool
		if err != nil {
			return
		}
		if ok, err = inner.SendRequest(kind, true, payload); err == nil && !ok {
			err = errors.New("the agent refused " + kind)
		}
	}
	env := func(k, v string) { ask("env", gossh.Marshal(struct{ Key, Value string }{k, v})) }
	env(proto.WatchEnv, name)
	if terminal != "" {
		env(proto.SessionEnv, terminal)
	}
	ask("pty-req", pty)
	ask("shell", nil)
	if err != nil {
		s.g.Log.WarnContext(s.ctx, "ssh watch", append(s.log, "sandbox", id, "err", err)...)
		s.say(sayUnreachable)
		s.ch.finish(exitLater)
		drop(reqs)
		return
	}
	s.g.Log.InfoContext(s.ctx, "ssh watch", append(s.log, "sandbox", id)...)
	part := sync.OnceFunc(func() {
		s.ch.setDeaf()
		inner.leave()
		time.AfterFunc(partTime, func() {
			if s.ctx.Err() == nil {
				_ = s.peer.Close()
			}
		})
	})
	go s.whileShared(session, part)
	go func() {
		for req := range reqs {
			ok := false
			if req.Type == "window-change" {
				var payload []byte
				if payload, ok = clampWindow(req.Payload); ok {
					_, err := inner.SendRequest(req.Type, false, payload)
					ok = err == nil
				}
			}
			reply(req, ok)
		}
		part() // the onlooker has left
	}()
	var left atomic.Bool
	go func() {
		left.Store(s.hearsLeave())
		part()
	}()
	status := s.copyOutput(inner, nil)
	switch { // nobody else writes any more
	case left.Load():
		_, _ = io.WriteString(s.ch.Stderr(), plainScreen)
		s.ch.finish(0)
	case status == nil:
		s.ch.say(plainScreen + s.T(sayWatchEnded))
		s.ch.finish(exitLost)
	default:
		s.ch.finishWith(status.Type, status.Payload)
	}
}

// hearsLeave reads what is typed, for nobody, until it is a key that people
// leave with: Ctrl-C, Ctrl-D or q. It reports false when nothing more comes.
func (s *session) hearsLeave() bool {
	buf := make([]byte, 64)
	for {
		n, err := s.ch.Read(buf)
		if strings.ContainsAny(string(buf[:n]), "\x03\x04q") {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// whileShared calls end once the learner no longer agrees. A database that is
// away takes nobody's rights, and gives none.
func (s *session) whileShared(session string, end func()) {
	tick := time.NewTicker(consentEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, tellTimeout)
		_, _, err := s.g.Sandboxes.Watch(ctx, s.who, session)
		cancel()
		if errors.Is(err, labs.ErrNotFound) {
			end()
			return
		}
	}
}
