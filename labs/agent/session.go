package main

import (
	"io"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A channel is an SSH session channel that knows when its client has stopped
// reading (eow@openssh.com) or has left. The library's own session does
// neither, rewrites line ends under a PTY and grants agent forwarding, so the
// agent reads the requests itself.
type channel struct {
	ssh.Channel
	gone chan struct{} // closed when the client has left
	once sync.Once

	mu   sync.Mutex
	deaf bool // the client reads no more
	eow  func()
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

func (c *channel) left() { c.once.Do(func() { close(c.gone) }) }

// onEOW sets what to do when the client stops reading.
func (c *channel) onEOW(fn func()) {
	c.mu.Lock()
	c.eow = fn
	deaf := c.deaf
	c.mu.Unlock()
	if deaf {
		fn()
	}
}

func (c *channel) setDeaf() {
	c.mu.Lock()
	c.deaf = true
	fn := c.eow
	c.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// finish reports a status and closes, in the order that loses neither the
// status nor the last output.
func (c *channel) finish(status int) {
	_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	_ = c.CloseWrite()
	_ = c.Close()
}

// say tells the learner one line.
func (c *channel) say(line string) { _, _ = io.WriteString(c.Stderr(), line+"\r\n") }

// A session is one channel's request state.
type session struct {
	a    *agent
	ch   *channel
	name string // terminal asked for
	// Who only looks on, and what to tell at the terminal.
	watcher, notice string
	env             map[string]string
	said            bool // in which language, whatever the locale in env is

	pty   bool
	term  string
	size  unix.Winsize
	modes ssh.TerminalModes

	started bool
	mu      sync.Mutex
	resize  func(unix.Winsize)
	signal  func(syscall.Signal)
}

const maxEnv = 32

// serveSession answers the requests of one session channel until it closes.
func (a *agent) serveSession(nc ssh.NewChannel) {
	raw, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	ch := &channel{Channel: raw, gone: make(chan struct{})}
	defer ch.left()
	s := &session{a: a, ch: ch, env: map[string]string{}}
	for req := range reqs {
		ok := s.request(req.Type, req.Payload)
		if req.WantReply {
			_ = req.Reply(ok, nil)
		}
	}
}

func (s *session) request(kind string, payload []byte) bool {
	switch kind {
	case "env":
		var kv struct{ Key, Value string }
		if s.started || len(s.env) >= maxEnv || ssh.Unmarshal(payload, &kv) != nil {
			return false
		}
		if kv.Key == proto.SessionEnv {
			ok := validName(kv.Value)
			if ok {
				s.name = kv.Value
			}
			return ok
		}
		switch kv.Key {
		case proto.WatchEnv:
			s.watcher = oneLine(kv.Value)
			return s.watcher != ""
		case proto.NoticeEnv:
			s.notice = oneLine(kv.Value)
			return true
		case proto.LanguageEnv: // no shell's: those that wait are as good for everybody
			ok := s.a.tongue.hear(kv.Value)
			s.said = s.said || ok
			return ok
		}
		if !acceptEnv(kv.Key, kv.Value) {
			return false
		}
		s.env[kv.Key] = kv.Value
		if wish := locale(func(name string) string { return s.env[name] }); wish != "" && !s.said {
			s.a.tongue.learn(wish)
		}
		return true
	case "pty-req":
		var p struct {
			Term                      string
			Cols, Rows, Width, Height uint32
			Modes                     string
		}
		if s.started || s.pty || ssh.Unmarshal(payload, &p) != nil {
			return false
		}
		modes, err := parseModes(p.Modes)
		if err != nil {
			return false
		}
		s.pty, s.term, s.size, s.modes = true, p.Term, clampSize(p.Cols, p.Rows), modes
		return true
	case "window-change":
		var w struct{ Cols, Rows, Width, Height uint32 }
		if !s.pty || ssh.Unmarshal(payload, &w) != nil {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.size = clampSize(w.Cols, w.Rows)
		if s.resize != nil {
			s.resize(s.size)
		}
		return true
	case "signal":
		var p struct{ Name string }
		if ssh.Unmarshal(payload, &p) != nil {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if sig := unix.SignalNum("SIG" + p.Name); sig != 0 && s.signal != nil {
			s.signal(sig)
			return true
		}
		return false
	case "eow@openssh.com":
		s.ch.setDeaf()
		return true
	case "shell":
		if s.watcher != "" {
			return s.start(s.watch, false)
		}
		return s.start(s.shell, true)
	case "exec":
		var p struct{ Command string }
		if ssh.Unmarshal(payload, &p) != nil || strings.ContainsRune(p.Command, 0) {
			return false
		}
		return s.start(func() int { return s.exec(p.Command) }, true)
	case "subsystem":
		var p struct{ Name string }
		if ssh.Unmarshal(payload, &p) != nil {
			return false
		}
		switch p.Name {
		case "sftp":
			return s.start(s.sftp, true)
		case proto.Subsystem:
			return s.start(func() int { return s.a.control(s.ch) }, false)
		}
	}
	return false
}

// start runs the session's one program beside the request loop. What is the
// learner's keeps the sandbox from being idle.
func (s *session) start(run func() int, learners bool) bool {
	if s.started {
		return false
	}
	s.started = true
	go func() {
		if learners {
			defer s.a.clock.busy()()
		}
		s.ch.finish(run())
	}()
	return true
}

// follow registers who hears of window sizes and signals from now on, and
// brings them up to date.
func (s *session) follow(resize func(unix.Winsize), signal func(syscall.Signal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resize, s.signal = resize, signal
	if resize != nil {
		resize(s.size)
	}
}

// shell attaches to a terminal, or without a PTY runs a shell that reads its
// commands from the client.
func (s *session) shell() int {
	if !s.pty {
		return s.run(func(acc account) []string { return []string{s.a.shellName(acc)} })
	}
	t, made, err := s.a.terms.attach(s.name, s.term, s.env, s.size, s.modes)
	if err != nil {
		logf("attach: %v", err)
		s.ch.say(s.a.tongue.Tf("No terminal could be opened: %s", err))
		return 1
	}
	defer t.release()
	v := t.out.join(s.size, false, made)
	defer v.leave()
	s.follow(v.resized, func(sig syscall.Signal) {
		if pg := foreground(t.ptmx); pg > 0 {
			_ = syscall.Kill(-pg, sig)
		}
	})
	defer s.follow(nil, nil)
	if s.notice != "" {
		t.notify(s.notice, noticeTries)
	}
	return s.view(t, v)
}

// watch shows a terminal to somebody who can do nothing there. Who is at it is
// told.
func (s *session) watch() int {
	t := s.a.terms.find(s.name)
	if t == nil || !s.pty {
		s.ch.say(s.a.tongue.T("No terminal is open in this lab."))
		return 1
	}
	v := t.out.join(s.size, true, false)
	defer v.leave()
	s.follow(v.resized, nil)
	defer s.follow(nil, nil)
	t.notify(s.a.tongue.Tf("%s looks on here. Not any more: cmh lab share off", s.watcher), noticeTries)
	defer t.notify(s.a.tongue.Tf("%s no longer looks on.", s.watcher), noticeTries)
	return s.view(t, v)
}

// oneLine is what may be shown in a terminal of a text from outside.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	for utf8.RuneCountInString(s) > 120 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// view shows a terminal until it ends or its client leaves.
func (s *session) view(t *terminal, v *viewer) int {
	s.ch.onEOW(s.ch.left)
	if !t.serve(s.ch, v, s.ch.gone) {
		return 0 // nobody is there to read it
	}
	return t.exit
}

func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
