package gateway_test

import (
	"io"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// The doors of a lab are asked for by themselves: what is shut is shut, and says
// so; the others are not touched.
func TestEachDoorIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	closed := "Your account may not do this."
	tries := map[gateway.Door]func() (refused bool){
		gateway.Command: func() bool {
			r := run(t, w.client(alices, w.alice), "true")
			return r.status == 6 && strings.Contains(r.err, closed)
		},
		gateway.Port: func() bool {
			_, err := w.client(alices, w.alice).Dial("tcp", "127.0.0.1:1")
			return err != nil && strings.Contains(err.Error(), closed)
		},
		gateway.Node: func() bool {
			return run(t, w.client(alices+"+node01", w.alice), "true").status == 6
		},
	}
	for shut := range tries {
		w.shut.Store(&shut)
		for door, refused := range tries {
			if got := refused(); got != (door == shut || door == gateway.Node && shut == gateway.Command) {
				t.Errorf("%q is shut; %q refused: %v", shut, door, got)
			}
		}
	}
	shell, files := gateway.Shell, gateway.Files
	w.shut.Store(&shell)
	s := open(t, w.client(alices, w.alice), true, "")
	if got := exitStatus(<-s.end); got != 6 || !strings.Contains(s.String(), closed) {
		t.Errorf("the shell is shut: status %d, %q", got, s.String())
	}
	w.shut.Store(&files)
	sess, err := w.client(alices, w.alice).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	said, err := sess.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(said); err != nil || !strings.Contains(string(b), closed) {
		t.Errorf("files are shut: %q, %v", b, err)
	}
}
