package gateway_test

import (
	"io"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// A laptop was stolen with a shell open on it. Its owner removed the key, and
// the shell went on for as long as the lab did.
func TestARemovedKeyEndsOpenShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
	stolen, kept := w.client(alices, w.alice), w.client(bobs, w.bob)
	openShell(t, stolen)
	if r := run(t, kept, "true"); r.status != 0 {
		t.Fatalf("somebody else: %+v", r)
	}
	w.revoked.Store(true)
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 5 { // at once
		t.Errorf("another connection with it: %+v", r)
	}
	isCutOff(t, stolen)
	if r := run(t, kept, "true"); r.status != 0 {
		t.Errorf("somebody else: %+v", r)
	}
}

// Somebody came with a key that nobody had, and made an account on that connection.
// A shell that they open on it is the key's like any other.
func TestARemovedKeyEndsShellsOfWhoJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
	w.revoked.Store(true)
	c := w.client(alices, w.alice)
	if r := run(t, c, "true"); r.status != 5 {
		t.Fatalf("a stranger: %+v", r)
	}
	w.revoked.Store(false)
	openShell(t, c)
	looked := w.asked.Load() + 2
	until(t, "it is known who this is", func() bool { return w.asked.Load() >= looked })
	w.revoked.Store(true)
	isCutOff(t, c)
}

// openShell has something run on a connection until that ends.
func openShell(t *testing.T, c *gossh.Client) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 5)
	if _, err := io.WriteString(in, "here\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, line); err != nil {
		t.Fatal(err)
	}
}

// isCutOff waits until a connection has ended.
func isCutOff(t *testing.T, c *gossh.Client) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // it was cut off
	}()
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Error("the connection goes on without its key")
	}
}
