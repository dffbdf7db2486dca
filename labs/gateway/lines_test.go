package gateway_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// All sessions of a sandbox share one connection to its agent, and one that
// leaves takes nothing from the others. When the agent is another, so is the
// connection.
func TestOneLineToAnAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	a := open(t, w.client(alices, w.alice), true, "")
	_, _ = io.WriteString(a.in, "echo a-$((40+2))\n")
	a.sees(`a-42\r`)
	first := w.dials.Load()
	b := open(t, w.client(alices, w.alice), true, "")
	_, _ = io.WriteString(b.in, "echo b-$((40+2)); exit 3\n")
	if got := exitStatus(<-b.end); got != 3 {
		t.Errorf("status %d", got)
	}
	if r := run(t, w.client("first-lab", w.alice), "echo out; exit 4"); r.status != 4 || r.out != "out\n" {
		t.Errorf("%+v", r)
	}
	if got := w.dials.Load(); got != first {
		t.Errorf("%d connections to one agent", got-first+1)
	}
	_, _ = io.WriteString(a.in, "echo again-$((40+2))\n")
	a.sees(`again-42\r`)

	w.stopAgent("box-a")
	t.Log("the shell ended:", <-a.end)
	if err := os.Remove(filepath.Join(w.agents["box-a"], "s")); err != nil {
		t.Fatal(err)
	}
	startAgent(t, w.agents["box-a"])
	if r := run(t, w.client(alices, w.alice), "echo new"); r.out != "new\n" {
		t.Errorf("%+v", r)
	}
}
