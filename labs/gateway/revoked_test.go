package gateway_test

import (
	"io"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// A laptop was stolen with a shell open on it. Its owner removed the key, and
// the shell went on for as long as the lab did.
func TestARemovedKeyEndsOpenShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 50 * time.Millisecond})
	stolen, kept := w.client(alices, w.alice), w.client(bobs, w.bob)
	s, err := stolen.NewSession()
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
	if r := run(t, kept, "true"); r.status != 0 {
		t.Fatalf("somebody else: %+v", r)
	}
	w.revoked.Store(true)
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 5 { // at once
		t.Errorf("another connection with it: %+v", r)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = stolen.Wait() // it was cut off
	}()
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Error("the connection goes on without its key")
	}
	if r := run(t, kept, "true"); r.status != 0 {
		t.Errorf("somebody else: %+v", r)
	}
}
