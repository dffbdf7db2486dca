package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

func TestHello(t *testing.T) {
	t.Parallel()
	r := launch(t)
	attach(t, r.client(t), "second").sees(`\$|#`)
	h, err := r.sandbox(t).Hello(t.Context())
	if err != nil || h.Version != proto.Version || len(h.Terminals) != 1 || h.Terminals[0] != "second" || h.Attached != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

func check(t *testing.T, s *labs.Sandbox, source string) proto.CheckReport {
	t.Helper()
	return checkWithin(t, s, source, 120)
}

func checkWithin(t *testing.T, s *labs.Sandbox, source string, seconds int) proto.CheckReport {
	t.Helper()
	rep, err := s.Check(t.Context(), proto.Script{Name: "check", Source: []byte(source), Timeout: seconds})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestCheck(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := r.sandbox(t)

	rep := check(t, s, "#!/bin/bash\r\necho out\r\necho err >&2\r\n[ -t 0 ] || exit 3\r\n")
	if rep.Exit != 3 || string(rep.Stdout) != "out\n" || string(rep.Stderr) != "err\n" || rep.TimedOut || rep.Signaled || rep.NotRun != "" {
		t.Errorf("%+v", rep)
	}
	if rep := check(t, s, "echo not yet > $VERIFICATION_FAILURE_REASON; exit 1"); rep.Reason != "not yet" || rep.Exit != 1 {
		t.Errorf("reason: %+v", rep)
	}
	if rep := checkWithin(t, s, "sleep 1000 & sleep 1000", 1); !rep.TimedOut {
		t.Errorf("over time: %+v", rep)
	}
	if rep := check(t, s, "kill -9 $$"); !rep.Signaled || rep.TimedOut {
		t.Errorf("killed: %+v", rep)
	}
	if rep := check(t, s, "#!/no/such/thing\n"); rep.NotRun == "" {
		t.Errorf("without interpreter: %+v", rep)
	}
	if rep := check(t, s, "yes | head -c 1000000; exit 0"); len(rep.Stdout) != maxOutput || rep.Exit != 0 {
		t.Errorf("%d bytes of output, status %d", len(rep.Stdout), rep.Exit)
	}
	// Checks search the process list: neither their text nor a lab's words
	// may be in it.
	if rep := check(t, s, `x=needle-in-a-hay; ps -ef | grep -v grep | grep -c "$x"`); string(rep.Stdout) != "0\n" {
		t.Errorf("the check found itself: %+v", rep)
	}
	if rep := check(t, s, "#!/usr/bin/env python3\nprint(6*7)"); string(rep.Stdout) != "42\n" {
		t.Errorf("python: %+v", rep)
	}
	if left, _ := os.ReadDir(filepath.Join(r.root, runDir)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A machine that had no time for the agent when a check ended has not eaten what
// the check said: it is in the pipe still.
func TestLateReadersLoseNothing(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close() // as a program that the check left behind would hold it
	if _, err := w.WriteString("not yet\n"); err != nil {
		t.Fatal(err)
	}
	if err := r.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, _ := capture(r); string(got) != "not yet\n" {
		t.Errorf("it said %q", got)
	}
}

// A file that lies in the way must not make the agent wait or read elsewhere.
func TestCheckWithHostileReason(t *testing.T) {
	t.Parallel()
	s := launch(t).sandbox(t)
	for _, do := range []string{"mkfifo $F", "ln -s /etc/passwd $F", "mkdir $F"} {
		rep := check(t, s, "F=$VERIFICATION_FAILURE_REASON; rm $F; "+do+"; exit 1")
		if rep.Reason != "" || rep.Exit != 1 {
			t.Errorf("%s: %+v", do, rep)
		}
	}
}

func TestOneCheckAtATime(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := r.sandbox(t)
	started := filepath.Join(r.root, "started")
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := s.Check(ctx, proto.Script{Source: []byte("touch " + started + "; sleep 1000")})
		first <- err
	}()
	until(t, "the first check runs", func() bool { _, err := os.Stat(started); return err == nil })
	if _, err := s.Check(t.Context(), proto.Script{Source: []byte("true")}); !errors.Is(err, labs.ErrChecking) {
		t.Errorf("second check: %v", err)
	}
	// The one who gave up leaves nothing behind that blocks the next.
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first check: %v", err)
	}
	until(t, "the next check runs", func() bool {
		_, err := s.Check(t.Context(), proto.Script{Source: []byte("true")})
		return err == nil
	})
}

func TestBackgroundScript(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := r.sandbox(t)
	script := proto.Script{Name: "intro-background", Env: map[string]string{"N": "7"}, Source: []byte(
		"echo n=$N in $PWD; echo oops >&2; nohup sleep 1000 >/dev/null 2>&1 & echo $! > " + r.root + "/pid; exit 9")}
	if err := s.Start(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	until(t, "the script has ended", func() bool {
		st, err := s.Scripts(t.Context())
		return err == nil && len(st) == 1 && !st[0].Running && st[0].Exit == 9
	})
	log := filepath.Join(r.root, logDir, "intro-background_")
	if b, _ := os.ReadFile(log + "stdout.log"); string(b) != "n=7 in "+r.root+"/root\n" {
		t.Errorf("stdout: %q", b)
	}
	if b, _ := os.ReadFile(log + "stderr.log"); string(b) != "oops\n" {
		t.Errorf("stderr: %q", b)
	}
	pid, _ := os.ReadFile(r.root + "/pid")
	if _, _, status := r.exec(t, "kill -0 "+strings.TrimSpace(string(pid))); status != 0 {
		t.Error("what the script left running was killed")
	}
	// Asked twice, run once.
	if err := s.Start(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	if st, _ := s.Scripts(t.Context()); len(st) != 1 {
		t.Errorf("scripts: %+v", st)
	}
	if err := s.Start(t.Context(), proto.Script{Name: "../up", Source: []byte("true")}); err == nil {
		t.Error("a name that leads elsewhere was accepted")
	}
}

func TestForegroundScript(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := r.sandbox(t)
	source := func(script string) {
		t.Helper()
		if err := s.Type(t.Context(), proto.Typing{Source: []byte(script)}); err != nil {
			t.Fatal(err)
		}
	}
	source("cd /usr; export LEFT=behind; set -eu; PATH=/nowhere; echo set-$((1+1))p")
	scr := attach(t, r.client(t), "main")
	scr.sees(`set-2p\r`)
	scr.typeLine("echo $LEFT in $PWD; false; echo ${nothing-} $-")
	scr.sees(`behind in /usr\r`)
	if flags := scr.sees(`\r\n ?([a-zA-Z]+)\r\n`)[1]; strings.ContainsAny(flags, "eu") || !strings.Contains(flags, "m") {
		t.Errorf("the shell's options are now %q", flags)
	}

	// Once it is through, exit is exit.
	scr.typeLine("exit 4")
	if got := exitStatus(<-scr.end); got != 4 {
		t.Errorf("status %d, want 4", got)
	}
	scr = attach(t, r.client(t), "main")
	scr.sees(`\$|#`)
	if _, err := scr.in.Write([]byte("half a line")); err != nil {
		t.Fatal(err)
	}
	scr.sees("half a line")

	// A script that takes the shell down does not take the learner down.
	source("echo bye; exit 1")
	scr.sees(`a fresh one`)
	scr.typeLine("echo alive-$((1+1)) ${LEFT-clean}")
	scr.sees(`alive-2 clean\r`)
	scr.typeLine("exit 3")
	if got := exitStatus(<-scr.end); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
}

// A script waits until the learner has left what is in the foreground.
func TestForegroundScriptWaitsForThePrompt(t *testing.T) {
	t.Parallel()
	r := launch(t)
	scr := attach(t, r.client(t), "main")
	scr.sees(`\$|#`)
	scr.typeLine("echo ready; cat; echo cat-$((1+1))")
	scr.sees(`\rready\r\n`)
	scr.typeLine("there")
	scr.sees(`there\r\nthere\r\n`) // so cat is
	if err := r.sandbox(t).Type(t.Context(), proto.Typing{Source: []byte("echo sourced-$((1+1))")}); err != nil {
		t.Fatal(err)
	}
	scr.typeLine("mine")
	scr.sees(`mine\r\nmine\r\n`)
	if _, err := scr.in.Write([]byte{4}); err != nil { // ^D
		t.Fatal(err)
	}
	scr.sees(`(?s)cat-2\r.*sourced-2\r`)
}

func TestTypedBytes(t *testing.T) {
	t.Parallel()
	r := launch(t)
	scr := attach(t, r.client(t), "main")
	scr.sees(`\$|#`)
	if err := r.sandbox(t).Type(t.Context(), proto.Typing{Bytes: []byte("echo typed-$((1+1))\n")}); err != nil {
		t.Fatal(err)
	}
	scr.sees(`typed-2\r`)
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := []byte("body of " + h.Name)
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPush(t *testing.T) {
	t.Parallel()
	r := launch(t)
	s := r.sandbox(t)
	err := s.Push(t.Context(), tarOf(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "opt/tools/run.sh", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "opt/link", Linkname: "tools/run.sh"},
		tar.Header{Typeflag: tar.TypeDir, Name: "opt/empty/", Mode: 0o700},
	))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.root, "opt/link"))
	if err != nil || string(b) != "body of opt/tools/run.sh" {
		t.Errorf("%q, %v", b, err)
	}
	if st, err := os.Stat(filepath.Join(r.root, "opt/tools/run.sh")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", st, err)
	}
	for name, h := range map[string]tar.Header{
		"up":     {Typeflag: tar.TypeReg, Name: "../up"},
		"deep":   {Typeflag: tar.TypeReg, Name: "a/../../up"},
		"device": {Typeflag: tar.TypeChar, Name: "dev/x", Devmajor: 1, Devminor: 3},
		"hard":   {Typeflag: tar.TypeLink, Name: "x", Linkname: "/etc/shadow"},
	} {
		if err := s.Push(t.Context(), tarOf(t, h)); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
	if err := s.Push(t.Context(), []byte("no archive at all")); err == nil {
		t.Error("nonsense was unpacked")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.root), "up")); err == nil {
		t.Error("a file was written outside")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if _, err := s.Hello(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
