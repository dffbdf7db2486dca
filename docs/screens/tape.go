package main

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// tape is an asciicast, version 2: a header, and a line for everything that was
// printed, with its time.
type tape struct {
	mu    sync.Mutex
	lines bytes.Buffer
	last  time.Time
	at    time.Duration
	rest  []byte // a character that has not come whole
}

// pause is the longest that nothing happens: who watches doesn't wait for what
// the script waited for.
const pause = 2 * time.Second

func newTape(cols, rows int, title string) *tape {
	t := &tape{last: time.Now()}
	_ = json.NewEncoder(&t.lines).Encode(map[string]any{
		"version": 2, "width": cols, "height": rows, "title": title, "env": map[string]string{"TERM": "xterm-256color"},
	})
	return t
}

func (t *tape) add(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.at += min(now.Sub(t.last), pause)
	t.last = now
	b = append(t.rest, b...)
	end := len(b)
	for end > 0 && len(b)-end < utf8.UTFMax && !utf8.Valid(b[:end]) {
		end--
	}
	if !utf8.Valid(b[:end]) {
		end = len(b) // not text at all: as JSON has it
	}
	t.rest = bytes.Clone(b[end:])
	if end == 0 {
		return
	}
	event, _ := json.Marshal([]any{t.at.Round(time.Millisecond).Seconds(), "o", string(b[:end])})
	t.lines.Write(append(event, '\n'))
}

func (t *tape) save(file string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return os.WriteFile(file, t.lines.Bytes(), 0o644)
}
