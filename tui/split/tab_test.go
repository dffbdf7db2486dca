package split_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// twoHosts is a lab whose blocks are for other terminals and other hosts.
func twoHosts(extra ...hub.LabTerminal) *demo.Hub {
	return demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Hosts, l.Terminals = []string{"controlplane", "node01"}, extra
		l.Steps[0].Text = "Watch it:\n\n```bash {exec T2}\ntail -f log\n```\n\nThere: `hostname`{{exec HOST2}}, here again: `pwd`{{exec T1}}, nowhere: `ls`{{exec HOST3}}."
	}).Busy()
}

// picks holds what the learner sees to the golden of the test.
func (s *seat) picks() {
	s.t.Helper()
	s.mu.Lock()
	picture := s.picture()
	s.mu.Unlock()
	golden.RequireEqual(s.t, picture)
}

// A block for another terminal opens that, is typed there once its shell is
// there, and shows it; the first one goes on meanwhile.
func TestBlocksForOtherTerminals(t *testing.T) {
	s := sitAt(t, 120, 40, split.Options{}, twoHosts())
	s.sees("Step 1/3")
	s.prints("first$ ")
	s.press("\x1d1")
	second := s.there("/main-2")
	s.sees("Opening another terminal")
	if _, err := fmt.Fprint(second.lab.Out, "\x1b[?2004hsecond$ "); err != nil {
		t.Fatal(err)
	}
	s.until("the block is typed there", func() bool { return second.typed.String() == "\x1b[200~tail -f log\x1b[201~\r" })
	s.sees("second$")
	s.sees("›2 controlplane:main-2")
	s.until("the panes have a row less", func() bool { _, r := s.lab.Size(); return r == 38 })
	s.press("\x1d2")
	node := s.there("node01/")
	if _, err := fmt.Fprint(node.lab.Out, "node$ "); err != nil {
		t.Fatal(err)
	}
	s.until("the block is typed there", func() bool { return node.typed.String() == "hostname\r" })
	s.sees("node$")
	s.sees("? keys") // and no longer that it opens
	s.picks()
	s.press("\x1d4")
	s.sees("This lab has no host 3.")
	s.press("\x1d3")
	s.gets("pwd\r")
	s.sees("first$")
	s.press("\x1dt")
	s.sees("second$")
	// A question that a program asks is answered to it, shown or not.
	if _, err := fmt.Fprint(node.lab.Out, "\x1b[6n"); err != nil {
		t.Fatal(err)
	}
	s.until("it is answered", func() bool { return strings.HasSuffix(node.typed.String(), "\x1b[1;7R") })
	// The end of one leaves the others, the end of the last is the end.
	close(second.hangUp)
	s.sees("first$")
	close(node.hangUp)
	s.until("the panes have their row again", func() bool { _, r := s.lab.Size(); return r == 39 })
	s.hangUp <- 3
	<-s.ended
	if s.status != 3 || s.err != nil {
		t.Errorf("%d %v", s.status, s.err)
	}
}

// The terminals that the author wants are there from the start, and one more
// for who wants it.
func TestFurtherTerminals(t *testing.T) {
	s := sitAt(t, 80, 24, split.Options{}, twoHosts(hub.LabTerminal{Name: "Second one", Session: "Second-one", Host: "node01"}))
	s.sees("2 node01:Second one")
	s.there("node01/Second-one")
	s.prints("first$ ")
	s.sees("first$")
	s.picks()
	s.press("\x1dT")
	s.there("/main-2")
	s.sees("›3 controlplane:main-2")
	s.press("\x1dt")
	s.sees("›1 controlplane:main ")
	s.press("x")
	s.gets("x")
	s.press("\x1dd")
	<-s.ended
	if !s.left {
		t.Error("the learner has not left")
	}
}

// What has left the pane can be looked at, while the shell goes on.
func TestScrollback(t *testing.T) {
	s := sit(t, 80, 24, split.Options{})
	s.sees("Step 1/3")
	s.press("\x1d[")
	s.sees("Nothing has left")
	for n := range 100 {
		s.prints(fmt.Sprintf("line %d\r\n", n+1))
	}
	s.prints("$ ")
	s.sees("line 100")
	s.press("\x1d\x1b[5~")
	s.sees("line 57\n")
	s.sees("esc back to the shell")
	s.picks()
	s.press("\x1b[5~")
	s.sees("line 36\n")
	s.prints("more\r\nand more\r\n")
	s.press("\x1b[A")
	s.sees("line 34\n")
	s.press("\x1b[H")
	s.sees("line 1\n")
	s.press("\x1b[F")
	s.sees("and more")
	// Any other key is the shell's again.
	s.press("\x1d[\x1b[A")
	s.sees("esc back")
	s.press("ls\r")
	s.gets("ls\r")
	s.sees("and more")
	s.prints("\x1b[?1049hfull")
	s.press("\x1d[")
	s.sees("its own way of scrolling")
}

// The text scrolls while its keys are pressed, and no longer.
func TestScrollText(t *testing.T) {
	s := sitAt(t, 120, 40, split.Options{}, demo.New(screentest.Ana, screentest.Now).Given(func(l *hub.Lab) {
		l.Steps[0].Text = strings.Repeat("A paragraph.\n\n", 60) + "The end."
	}).Busy())
	s.sees("Look around")
	s.press("\x1d\x1b[F")
	s.sees("The end.")
	s.press("\x1b[H")
	s.sees("Look around")
	s.press("\x1b[C")
	s.gets("\x1b[C")
}

// A lab is handed in from its screen, which ends with that.
func TestSubmit(t *testing.T) {
	s := sit(t, 80, 24, split.Options{})
	s.sees("Step 1/3")
	s.press("\x1dK")
	s.sees("after three failed checks")
	s.press("\x1dSn\x1dS")
	s.sees("Hand the lab in?")
	s.press("y")
	<-s.ended
	if s.status != 0 || s.left || s.err != nil {
		t.Errorf("%d %v %v", s.status, s.left, s.err)
	}
	if !strings.HasSuffix(s.raw.String(), "The lab is handed in.\r\n") {
		t.Errorf("%q", s.raw.String())
	}
}
