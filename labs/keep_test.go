package labs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

// A lab of two hosts is kept with both, and comes back with both joined; what
// it had running does not.
func TestKeepTwoHosts(t *testing.T) {
	t.Parallel()
	s := play(t, twoHosts)
	if err := s.e.Keeps(); errors.Is(err, labs.ErrKeepsNothing) {
		t.Logf("nothing can be kept here: %v", err)
		return
	}
	s.run("echo first >/root/mine; echo 10.9.8.7 extra >>/etc/hosts; ssh node01 'echo second >/root/mine; echo changed >/srv/www/page.html; nohup sleep 600 >/dev/null 2>&1 &'")
	kept, err := s.e.Keep(t.Context(), s.id, "kept")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.e.Forget(context.Background(), "kept") })
	if names, err := s.e.Kept(t.Context()); err != nil || len(names) != 1 || names[0].Name != "kept" || kept.Bytes <= 0 {
		t.Errorf("kept: %+v, listed as %v, %v", kept, names, err)
	}
	s.run("rm /root/mine; ssh node01 rm /root/mine")
	if err := s.e.Restore(t.Context(), s.id, s.sc, "kept"); err != nil {
		t.Fatal(err)
	}
	box, err := labs.Open(t.Context(), s.e.Driver, s.id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	s.box = box
	if got := s.run("cat /root/mine; ssh node01 'cat /root/mine /srv/www/page.html; pgrep -x sleep >/dev/null || echo still'; getent hosts extra | cut -d' ' -f1"); got != "first\nsecond\nchanged\nstill\n10.9.8.7" {
		t.Errorf("came back with %q", got)
	}

	// The text's own command is the step's solution, and needs no learner.
	if !labs.Solvable(s.sc, 1) {
		t.Fatal("the step has no solution")
	}
	s.run("ssh node01 'echo hello >/srv/www/page.html'")
	if err := s.e.Solve(t.Context(), s.id, s.sc, 1); err != nil {
		t.Fatal(err)
	}
	until(t, "the page is served", func() bool { return s.check(1).Outcome == labs.Passed })

	if err := s.e.Forget(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if names, err := s.e.Kept(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("forgotten, %v is listed, %v", names, err)
	}
	if err := s.e.Restore(t.Context(), s.id, s.sc, "kept"); !errors.Is(err, labs.ErrNoSnapshot) {
		t.Errorf("restored from nothing: %v", err)
	}
}
