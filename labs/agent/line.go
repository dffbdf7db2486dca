package main

import (
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A hostLine is a connection of the host's that the sandbox may call out on. It
// is there as long as the host holds a channel open on it.
type hostLine struct {
	mu      sync.Mutex
	line    *ssh.ServerConn // nil: the host is away
	changed chan struct{}   // closed when line becomes another
}

func newHostLine() hostLine { return hostLine{changed: make(chan struct{})} }

// hold makes conn the line until the channel closes.
func (l *hostLine) hold(conn *ssh.ServerConn, nc ssh.NewChannel) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	l.set(nil, conn)
	ssh.DiscardRequests(reqs)
	l.set(conn, nil)
}

// set changes the line, from one that must be the present one unless it is nil.
func (l *hostLine) set(from, to *ssh.ServerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from != nil && l.line != from {
		return
	}
	l.line = to
	close(l.changed)
	l.changed = make(chan struct{})
}

// dial opens a channel to the host, and waits a while for one that is away. It
// returns nil when there is none.
func (l *hostLine) dial(kind string, extra []byte, wait time.Duration) (ssh.Channel, <-chan *ssh.Request) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		line, changed := l.line, l.changed
		l.mu.Unlock()
		if line != nil {
			if ch, reqs, err := line.OpenChannel(kind, extra); err == nil {
				return ch, reqs
			}
			l.set(line, nil)
			continue
		}
		select {
		case <-changed:
		case <-deadline.C:
			return nil, nil
		}
	}
}
