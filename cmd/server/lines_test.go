package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// Lines come whole, in order and all of them, however many log at once.
func TestLogLinesAreAllWritten(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer // read when nobody writes any more
	w := &lines{to: &out}
	log, err := logger("info", "json", w)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("before")
	if !strings.Contains(out.String(), "before") {
		t.Error("a line waited before anybody gathers")
	}
	w.gather()
	const each, writers = 2000, 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				log.Info("request", "writer", i, "n", n)
			}
		})
	}
	wg.Wait()
	w.Close()
	log.Info("after")
	seen := map[int]int{}
	for line := range strings.Lines(out.String()) {
		var i, n int
		_, rest, ok := strings.Cut(line, `"writer":`)
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(rest, `%d,"n":%d}`, &i, &n); err != nil || n != seen[i] {
			t.Fatalf("after %d of writer %d: %s", seen[i], i, line)
		}
		seen[i]++
	}
	for i := range writers {
		if seen[i] != each {
			t.Errorf("writer %d: %d lines", i, seen[i])
		}
	}
	if !strings.Contains(out.String(), "before") || !strings.Contains(out.String(), "after") {
		t.Error("a line beside the others is missing")
	}
}

// Lines are there without anybody closing: soon, and warnings at once.
func TestLogLinesDontWaitForLong(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	w := &lines{to: out}
	log, err := logger("info", "text", w)
	if err != nil {
		t.Fatal(err)
	}
	w.gather()
	for _, say := range []func(string, ...any){log.Info, log.Warn} {
		say("something")
		buf := make([]byte, 1<<10)
		n, err := in.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), "something") {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
	w.Close()
}

// A reader that stops holds nobody up, and is told what it missed.
func TestLogLinesThatNobodyReads(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	w := &lines{to: out}
	log, err := logger("info", "json", w)
	if err != nil {
		t.Fatal(err)
	}
	w.gather()
	text := strings.Repeat("x", 64<<10)
	const all = 2 * lineRoom / (64 << 10)
	for n := range all {
		log.Info("line", "n", n, "text", text)
	}
	w.mu.Lock()
	lost := w.lost // nothing moves until somebody reads
	w.mu.Unlock()
	read := make(chan string)
	go func() {
		raw, _ := io.ReadAll(in)
		read <- string(raw)
	}()
	w.Close()
	out.Close()
	got := <-read
	if lost == 0 || !strings.Contains(got, fmt.Sprintf(`"lines":%d`, lost)) {
		t.Errorf("%d lines were lost, and it isn't told", lost)
	}
	if n := strings.Count(got, `"msg":"line"`); n+lost != all {
		t.Errorf("%d lines are there, %d lost, of %d", n, lost, all)
	}
}
