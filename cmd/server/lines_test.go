package main

import (
	"bufio"
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
	w.flush() // Close waits for a while only
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

// pieces is what was written at once.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

// Others who write to the same place come between lines, however many were waiting.
func TestLogLinesAreNotCut(t *testing.T) {
	t.Parallel()
	var out pieces
	w := &lines{to: &out}
	log, err := logger("info", "text", w)
	if err != nil {
		t.Fatal(err)
	}
	w.gather()
	w.writing.Lock()
	for _, kib := range []int{10, 20, 30, 40, 50, 60, 70, 10, 10, 100, 10} {
		log.Info("line", "text", strings.Repeat("x", kib<<10))
	}
	w.writing.Unlock()
	w.flush()
	if len(out) < 6 {
		t.Errorf("%d pieces", len(out))
	}
	for _, p := range out {
		if !strings.HasSuffix(p, "\n") || len(p) > linePiece && strings.Count(p, "\n") > 1 {
			t.Errorf("a piece of %d bytes, %d lines, ends with %q", len(p), strings.Count(p, "\n"), p[len(p)-1:])
		}
	}
}

// A reader that stops holds nobody up, and is told what it missed.
func TestLogLinesThatNobodyReads(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
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
	if lost == 0 {
		t.Error("no lines were lost")
	}
	log.Error("the last word") // neither this
	w.Close()                  // nor this waits for ever
	w.mu.Lock()
	lost = w.lost
	w.mu.Unlock()
	there := 0
	for read := bufio.NewReader(in); ; there++ {
		line, err := read.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, `"lines":`) { // which is told last
			if !strings.Contains(line, fmt.Sprintf(`"lines":%d}`, lost)) {
				t.Errorf("%d lines were lost, and it says %s", lost, line)
			}
			break
		}
	}
	if there+lost != all+1 {
		t.Errorf("%d lines are there, %d lost, of %d", there, lost, all+1)
	}
}
