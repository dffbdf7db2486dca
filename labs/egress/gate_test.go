package egress

import (
	"context"
	"crypto/ed25519"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// agent is a sandbox's end of a line, and connect the host's way to it.
func agent(t *testing.T) (connect func(context.Context) (*ssh.Client, error), agents <-chan *ssh.ServerConn) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{NoClientAuth: true}
	conf.AddHostKey(signer)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	made := make(chan *ssh.ServerConn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		conn, chans, reqs, err := ssh.NewServerConn(c, conf)
		if err != nil {
			return
		}
		made <- conn
		go ssh.DiscardRequests(reqs)
		for nc := range chans {
			if _, reqs, err := nc.Accept(); err == nil {
				go ssh.DiscardRequests(reqs)
			}
		}
	}()
	return func(ctx context.Context) (*ssh.Client, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		conn, chans, reqs, err := ssh.NewClientConn(c, "", &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(signer.PublicKey())})
		if err != nil {
			return nil, err
		}
		return ssh.NewClient(conn, chans, reqs), nil
	}, made
}

// A sandbox ends at once, however many of its connections lie still and wait
// for their turn.
func TestGateClosesAFullLine(t *testing.T) {
	rules, err := Parse([]string{"93.184.216.34"})
	if err != nil {
		t.Fatal(err)
	}
	// What never answers, not even an end.
	far, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	g := &Gate{Allowed: rules, Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", far.Addr().String())
	}}
	connect, agents := agent(t)
	if err := g.Open(t.Context(), "full", nil, connect); err != nil {
		t.Fatal(err)
	}
	conn := <-agents
	for range maxConns {
		ch, reqs, err := conn.OpenChannel(proto.EgressCall, nil)
		if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(reqs)
		if _, err := io.WriteString(ch, "CONNECT 93.184.216.34:80 HTTP/1.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(ch, got); err != nil || string(got) != "HTTP/1.1 200" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for range 8 {
		go func() { _, _, _ = conn.OpenChannel(proto.EgressCall, nil) }()
	}
	for range 100 { // answers that come after these have arrived
		if _, _, err := conn.SendRequest("there", true, nil); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan struct{})
	go func() {
		g.Close("full")
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(idleTime / 2):
		t.Fatal("the line waits for its connections to be idle")
	}
}
