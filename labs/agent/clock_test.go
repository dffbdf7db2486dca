package main

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// soon makes the agent say what it says that long before the end, now.
func soon(t *testing.T, r running, before time.Duration) {
	t.Helper()
	if err := r.sandbox(t).Expire(t.Context(), before+time.Millisecond); err != nil {
		t.Fatal(err)
	}
}

// A warning beside a prompt is a line of its own, and what was typed is drawn
// again behind it; a program that prints line by line gets one too.
func TestWarningAtThePrompt(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := attach(t, r.client(t), "main")
	s.typeLine("echo at-$((40+2))")
	s.sees(`at-42\r`)
	if _, err := s.in.Write([]byte("echo half-")); err != nil {
		t.Fatal(err)
	}
	s.sees(`echo half-`)
	soon(t, r, 5*time.Minute)
	s.sees(`\r\n\S*\[ This lab ends in 5 minutes\. More time: lab extend \]\S*\r\n\S*# echo half-`)
	s.typeLine("whole")
	s.sees(`\rhalf-whole\r`)
	s.typeLine("echo go-$((40+2)); cat")
	s.sees(`go-42\r`)
	soon(t, r, time.Minute)
	s.sees(`\[ This lab ends in 1 minute\. `)
}

// A program that draws the screen keeps it.
func TestWarningOnAFullScreen(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := attach(t, r.client(t), "main")
	s.typeLine(`stty raw -echo; printf '\033[?1049h\033[Hpicture-%s' drawn; while :; do read -t 0.02 x; done`)
	s.sees(`picture-drawn`)
	soon(t, r, 10*time.Minute)
	s.sees(`\x1b\]2;This lab ends in 10 minutes\.[^\x1b]*\x1b\\\a`)
	if strings.Contains(s.String(), "[ This lab ends") {
		t.Errorf("a line was drawn over the program's screen: %q", s.String())
	}
}

// The sandbox ends by itself, with everything in it, unless it is given more
// time before.
func TestEndsByItself(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := attach(t, r.client(t), "main")
	s.typeLine("echo pid=$$")
	s.sees(`pid=\d+\r`)
	over := -proto.GraceMS * time.Millisecond
	sb := r.sandbox(t)
	if err := sb.Expire(t.Context(), over+time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := sb.Expire(t.Context(), 2*time.Hour); err != nil { // extended
		t.Fatal(err)
	}
	if _, err := sb.Hello(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = sb.Expire(t.Context(), over) // its answer may be cut off
	t.Log("the shell ended:", <-s.end)
	until(t, "nothing of it runs", func() bool {
		_, err := r.Dial(t.Context(), "")
		return err != nil && len(children(r.pid)) == 0
	})
}

// Who is attached, or runs something, is not idle, however long it takes;
// looking at it is no use of it.
func TestIdle(t *testing.T) {
	t.Parallel()
	r := launch(t)
	sb := r.sandbox(t)
	idle := func() time.Duration {
		t.Helper()
		h, err := sb.Hello(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(h.IdleMS) * time.Millisecond
	}
	until(t, "it is idle", func() bool { return idle() > 50*time.Millisecond })
	c := r.client(t)
	s := attach(t, c, "main")
	s.typeLine("echo here-$((40+2))")
	s.sees(`here-42\r`)
	if d := idle(); d != 0 {
		t.Errorf("attached, it is idle for %v", d)
	}
	c.Close()
	until(t, "nobody is attached", func() bool {
		h, err := sb.Hello(t.Context())
		return err == nil && h.Attached == 0
	})
	sess, err := r.client(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer sess.Close()
	if err := sess.Start("exec sleep 1000"); err != nil {
		t.Fatal(err)
	}
	until(t, "a command keeps it in use", func() bool { return idle() == 0 })
}
