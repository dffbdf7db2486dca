package main

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	ringSize = 256 << 10
	// A reader may lag this far before the terminal waits for it.
	maxLag = 128 << 10
)

// stallAfter is how long the terminal waits for a reader that takes nothing.
// Then it goes on without it: a dead connection must not stop a learner's
// program.
const stallAfter = 10 * time.Second

// A ring keeps the last ringSize bytes that a terminal printed, and feeds any
// number of readers from them at their own pace.
type ring struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	buf     []byte
	end     int64 // bytes ever written
	closed  bool
	readers map[*reader]struct{}
}

// A reader is one attached client's place in the ring.
type reader struct {
	ring  *ring
	off   int64
	moved time.Time // when it last took something, or had nothing to take
}

func newRing() *ring {
	return &ring{changed: make(chan struct{}), readers: map[*reader]struct{}{}}
}

func (r *ring) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *ring) start() int64 { return r.end - int64(len(r.buf)) }

// write appends p, after waiting for the readers that keep up.
func (r *ring) write(p []byte) {
	for {
		r.mu.Lock()
		wait, busy := time.Duration(0), false
		now := time.Now()
		for rd := range r.readers {
			if lag := r.end - rd.off; lag > maxLag {
				if left := stallAfter - now.Sub(rd.moved); left > 0 {
					busy, wait = true, max(wait, left)
				}
			}
		}
		if !busy || r.closed {
			break
		}
		changed := r.changed
		r.mu.Unlock()
		t := time.NewTimer(wait)
		select {
		case <-changed:
		case <-t.C:
		}
		t.Stop()
	}
	defer r.mu.Unlock()
	now := time.Now()
	for rd := range r.readers {
		if rd.off == r.end {
			rd.moved = now
		}
	}
	r.buf = append(r.buf, p...)
	r.end += int64(len(p))
	if over := len(r.buf) - ringSize; over > 0 {
		// Moving at every write would cost a copy of the ring each time.
		if len(r.buf) > 2*ringSize {
			r.buf = append(make([]byte, 0, 2*ringSize+64<<10), r.buf[over:]...)
		}
	}
	r.signal()
}

// attach returns a reader that starts at the present, and what was printed up
// to it.
func (r *ring) attach() (*reader, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rd := &reader{ring: r, off: r.end, moved: time.Now()}
	r.readers[rd] = struct{}{}
	past := r.buf[max(0, len(r.buf)-ringSize):]
	return rd, append([]byte(nil), past...)
}

func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.signal()
}

var errLeft = errors.New("reader left")

// read waits for output, or for stop. It returns io.EOF when the terminal has
// ended and everything was read. skipped says that the reader was so far
// behind that output is missing before p's bytes.
func (rd *reader) read(p []byte, stop <-chan struct{}) (n int, skipped bool, err error) {
	r := rd.ring
	r.mu.Lock()
	for {
		if s := r.start(); rd.off < s {
			rd.off, skipped = s, true
		}
		if rd.off < r.end {
			n = copy(p, r.buf[rd.off-r.start():])
			rd.off += int64(n)
			rd.moved = time.Now()
			r.signal()
			r.mu.Unlock()
			return n, skipped, nil
		}
		if r.closed {
			r.mu.Unlock()
			return 0, false, io.EOF
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-stop:
			return 0, false, errLeft
		}
		r.mu.Lock()
	}
}

func (rd *reader) leave() {
	rd.ring.mu.Lock()
	defer rd.ring.mu.Unlock()
	delete(rd.ring.readers, rd)
	rd.ring.signal()
}
