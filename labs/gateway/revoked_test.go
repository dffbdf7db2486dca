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

// strangersShell is the connection of somebody whose key nobody had when they came:
// it is Alice's by now, who has opened a shell.
func (w *world) strangersShell(t *testing.T) *gossh.Client {
	t.Helper()
	w.revoked.Store(true)
	c := w.client(alices, w.alice)
	if r := run(t, c, "true"); r.status != 5 {
		t.Fatalf("a stranger: %+v", r)
	}
	w.revoked.Store(false)
	openShell(t, c)
	return c
}

// Somebody came with a key that nobody had, and made an account on that connection.
// A shell that they open on it is the key's like any other.
func TestARemovedKeyEndsShellsOfWhoJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
	c := w.strangersShell(t)
	w.looks(2)
	w.revoked.Store(true)
	isCutOff(t, c)
}

// The same where the key is lost before anybody has looked whose it is: what is
// known of it then is that it has joined, or that a lab's door was opened to it.
func TestAKeyLostBeforeALookEndsShells(t *testing.T) {
	t.Parallel()
	t.Run("joined", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
		c := w.client("x", signer(t))
		if r := run(t, c, "hello"); r.status != 9 {
			t.Fatalf("a stranger: %+v", r)
		}
		_ = run(t, c, "join and lose the key") // it may be cut off before its answer
		isCutOff(t, c)
	})
	t.Run("opened a lab", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, gateway.Limits{KeepAlive: time.Hour})
		c := w.strangersShell(t)
		w.revoked.Store(true)
		w.gw.Look(t.Context())
		w.gw.Look(t.Context())
		isCutOff(t, c)
	})
}

// Whoever is inside is asked for together: a question for each would be most of what
// an idle connection costs, a stranger's too.
func TestOneQuestionForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
	for range 3 {
		if r := run(t, w.client("x", signer(t)), "hello"); r.status != 9 {
			t.Fatalf("a stranger: %+v", r)
		}
	}
	openShell(t, w.client(alices, w.alice))
	asked := w.asked.Load()
	w.looks(5)
	if now := w.asked.Load(); now != asked {
		t.Errorf("asked %d times for one connection while nobody came", now-asked)
	}
}

// looks waits until the gateway has looked n more times.
func (w *world) looks(n int32) {
	w.t.Helper()
	// One may be under way, which began before.
	n += w.looked.Load() + 1
	until(w.t, "the gateway has looked", func() bool { return w.looked.Load() >= n })
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
