package labs_test

import (
	"context"
	"crypto/ed25519"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// An agent in somebody else's hands asks five hundred times at once and reads no
// answer. What waits for it on this side are as many as may, and no more.
func TestDeskFloodOfChannels(t *testing.T) {
	d := newRogue(t)
	desk := &labs.Desk{Driver: d, Answer: func(context.Context, string, proto.Ask) proto.Reply { return proto.Reply{} }}
	openDesk(t, desk, "rogue")
	line := <-d.line
	d.deaf.Store(true)
	for range 500 {
		go func() {
			if ch, _, err := line.OpenChannel(proto.DeskCall, []byte(honest)); err == nil {
				ch.Close()
			}
		}()
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	last, same := 0, 0
	for end := time.Now().Add(3 * time.Minute); last < 32 || same < 60; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%d are being answered: nothing was tested", last)
		}
		now := taking()
		if same++; now != last {
			last, same = now, 0
		}
	}
	if last != 32 {
		t.Errorf("%d are being answered at once", last)
	}
	desk.Close()
	for end := time.Now().Add(3 * time.Minute); taking() > 0; <-tick.C {
		if time.Now().After(end) {
			t.Fatal("the desk is closed, and some go on")
		}
	}
}

// taking counts the asks that this process is at.
func taking() int {
	buf := make([]byte, 4<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "labs.(*Desk).take(")
}

// rogue is a driver whose only sandbox has an agent that is hostile.
type rogue struct {
	labs.Driver
	t    *testing.T
	host ssh.Signer
	line chan *ssh.ServerConn // as the desk opened it
	deaf *atomic.Bool         // the agent reads no more, and what lies between is full
}

func newRogue(t *testing.T) rogue {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	host, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return rogue{t: t, host: host, line: make(chan *ssh.ServerConn, 1), deaf: new(atomic.Bool)}
}

func (d rogue) Dial(ctx context.Context, _ string) (net.Conn, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	ours, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := l.Accept()
	if err != nil {
		return nil, err
	}
	d.t.Cleanup(func() { theirs.Close() })
	go d.serve(theirs)
	return stuck{ours, d.deaf, make(chan struct{}), new(sync.Once)}, nil
}

func (d rogue) serve(conn net.Conn) {
	cfg := &ssh.ServerConfig{NoClientAuth: true}
	cfg.AddHostKey(d.host)
	c, chans, reqs, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		d.t.Error(err)
		return
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		if _, reqs, err := nc.Accept(); err == nil {
			go ssh.DiscardRequests(reqs)
			d.line <- c
		}
	}
}

// stuck is a connection on which nothing can be written once its peer is deaf.
type stuck struct {
	net.Conn
	deaf   *atomic.Bool
	closed chan struct{}
	once   *sync.Once
}

func (s stuck) Write(p []byte) (int, error) {
	if s.deaf.Load() {
		<-s.closed
		return 0, net.ErrClosed
	}
	return s.Conn.Write(p)
}

func (s stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}
