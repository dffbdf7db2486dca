package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

const (
	maxCalls = 64               // connections on their way out at once
	lineWait = 30 * time.Second // for a host that is restarting

	// What a program has of a connection that the host has ended: to read what
	// has come, and then to close it.
	readGrace  = 2 * time.Minute
	closeGrace = 2 * time.Second
)

// egress is the sandbox's way out: it decides nothing and dials nothing.
type egress struct {
	mu       sync.Mutex
	listener net.Listener
	line     *ssh.ServerConn // nil: the host is away
	changed  chan struct{}   // closed when line becomes another
	calls    chan struct{}   // as many as are on their way
}

func newEgress() *egress {
	return &egress{changed: make(chan struct{}), calls: make(chan struct{}, maxCalls)}
}

// serveLine holds the host's line until it closes.
func (e *egress) serveLine(ctx context.Context, conn *ssh.ServerConn, nc ssh.NewChannel) {
	if err := e.listen(ctx); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	e.set(nil, conn)
	ssh.DiscardRequests(reqs)
	e.set(conn, nil)
}

// set changes the line, from one that must be the present one unless it is nil.
func (e *egress) set(from, to *ssh.ServerConn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if from != nil && e.line != from {
		return
	}
	e.line = to
	close(e.changed)
	e.changed = make(chan struct{})
}

// listen makes the listener, once.
func (e *egress) listen(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", proto.EgressAddr)
	if err != nil {
		return err
	}
	e.listener = l
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				logf("egress: %v", err)
				return
			}
			select {
			case e.calls <- struct{}{}:
				go func() {
					defer func() { <-e.calls }()
					e.call(conn)
				}()
			default:
				conn.Close()
			}
		}
	}()
	return nil
}

// call hands one connection to the host.
func (e *egress) call(conn net.Conn) {
	defer conn.Close()
	ch, reqs := e.dial()
	if ch == nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	}
	defer ch.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.CopyBuffer(conn, onlyReader{ch}, make([]byte, 16<<10))
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	}()
	go func() {
		ssh.DiscardRequests(reqs) // until the host has ended it
		_ = conn.SetWriteDeadline(time.Now().Add(readGrace))
		<-done
		_ = conn.SetReadDeadline(time.Now().Add(closeGrace))
	}()
	_, _ = io.CopyBuffer(ch, onlyReader{conn}, make([]byte, 16<<10))
	_ = ch.CloseWrite()
	<-done
}

// onlyReader hides WriteTo, which would use larger buffers of its own.
type onlyReader struct{ io.Reader }

// dial opens a channel to the host, and waits a while for one that is away.
func (e *egress) dial() (ssh.Channel, <-chan *ssh.Request) {
	deadline := time.NewTimer(lineWait)
	defer deadline.Stop()
	for {
		e.mu.Lock()
		line, changed := e.line, e.changed
		e.mu.Unlock()
		if line != nil {
			if ch, reqs, err := line.OpenChannel(proto.EgressCall, nil); err == nil {
				return ch, reqs
			}
			e.set(line, nil)
			continue
		}
		select {
		case <-changed:
		case <-deadline.C:
			return nil, nil
		}
	}
}
