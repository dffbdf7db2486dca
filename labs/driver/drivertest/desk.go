package drivertest

import (
	"context"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// desk asks with the command that every sandbox has, and has it answered for
// that sandbox.
func (s suite) desk(t *testing.T) {
	c := s.sandbox(t, s.spec("asks"))
	d := &labs.Desk{Driver: s.d, Answer: func(_ context.Context, lab string, ask proto.Ask) proto.Reply {
		return proto.Reply{Status: 3, Out: lab + " hears " + strings.Join(ask.Args, "+")}
	}}
	t.Cleanup(d.Close)
	if err := d.Open(t.Context(), "asks", "asks"); err != nil {
		t.Fatal(err)
	}
	if out := must(t, c, "lab check 'two words'; echo \" $?\""); out != "asks hears check+two words 3" {
		t.Errorf("it answered %q", out)
	}
	if out := must(t, c, "cp /usr/local/bin/lab /root/mine; rm /usr/local/bin/lab; cat /proc/mounts"); strings.Contains(out, "/usr/local") {
		t.Errorf("the command is a mount:\n%s", out)
	}
}
