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
	hostLine
	opening  sync.Mutex
	listener net.Listener  // guarded by opening
	calls    chan struct{} // as many as are on their way
}

func newEgress() *egress {
	return &egress{hostLine: newHostLine(), calls: make(chan struct{}, maxCalls)}
}

// serveLine holds the host's line until it closes.
func (e *egress) serveLine(ctx context.Context, conn *ssh.ServerConn, nc ssh.NewChannel) {
	if err := e.listen(ctx); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	e.hold(conn, nc)
}

// listen makes the listener, once.
func (e *egress) listen(ctx context.Context) error {
	e.opening.Lock()
	defer e.opening.Unlock()
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
	ch, reqs := e.dial(proto.EgressCall, nil, lineWait)
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
