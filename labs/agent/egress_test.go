package main

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// ends are the two of a TCP connection.
func ends(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// A program that keeps a connection open that the host has ended has read all
// of it, and doesn't hold a place for ever.
func TestEgressEndsWithTheHost(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	host, inside := ends(t)
	go func() {
		_, chans, reqs, err := ssh.NewClientConn(host, "", &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(signer.PublicKey())})
		if err != nil {
			return
		}
		go ssh.DiscardRequests(reqs)
		for nc := range chans {
			if ch, _, err := nc.Accept(); err == nil {
				_, _ = io.WriteString(ch, "all there is")
				ch.Close()
			}
		}
	}()
	conf := &ssh.ServerConfig{NoClientAuth: true}
	conf.AddHostKey(signer)
	line, _, _, err := ssh.NewServerConn(inside, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	e := newEgress()
	e.set(nil, line)
	program, taken := ends(t)
	over := make(chan struct{})
	go func() {
		e.call(taken)
		close(over)
	}()
	_ = program.SetReadDeadline(time.Now().Add(time.Minute))
	if got, err := io.ReadAll(program); err != nil || string(got) != "all there is" {
		t.Errorf("%q, %v", got, err)
	}
	select {
	case <-over:
	case <-time.After(time.Minute):
		t.Fatal("it is held still")
	}
	if _, err := taken.Write(nil); !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
		t.Errorf("it is open: %v", err)
	}
}
