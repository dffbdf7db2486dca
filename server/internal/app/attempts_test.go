package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A flood pushes out what is oldest, not what everybody has missed.
func TestAttemptsThatAreManyForgetTheOldest(t *testing.T) {
	t.Parallel()
	var a attempts
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range attemptsKept - 1 {
		if err := a.begin(attempt{"flood", fmt.Sprint(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Second)
	guess := attempt{"ada", "198.51.100.7"}
	for range badLogins {
		if err := a.begin(guess, now); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Second)
	for i := range attemptsKept / 4 {
		if err := a.begin(attempt{"more", fmt.Sprint(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.begin(guess, now); hub.CodeOf(err) != hub.Limit {
		t.Errorf("the guesser goes on: %v", err)
	}
	if n := len(a.counts); n > attemptsKept {
		t.Errorf("%d are kept", n)
	}
}

// A source is an address, whichever port and spelling it comes with.
func TestASourceIsAnAddress(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"198.51.100.7:40000": "198.51.100.7", "198.51.100.7": "198.51.100.7", "[::ffff:198.51.100.7]:22": "198.51.100.7",
		"[2001:db8:1:2:3:4:5:6]:22": "2001:db8:1:2::", "2001:db8:1:2::9": "2001:db8:1:2::", "pipe": "pipe", "": "",
	} {
		as := (&App{}).As(Guest).From(source)
		if as.source != want || as.From(as.source).source != want {
			t.Errorf("%s became %s", source, as.source)
		}
	}
}
