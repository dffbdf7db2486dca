package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	lineWait  = 200 * time.Millisecond // how long a line waits for others
	lineBatch = 32 << 10               // what is enough to be written
	lineRoom  = 4 << 20                // what may wait
	linePiece = 64 << 10               // what is written at once, unless a line is longer
	roomWait  = time.Second            // how long a line waits for room, or for being written
)

// lines is where the log goes. A server in a crowd logs a line for each request,
// and a call of the kernel for each would be a good part of what an answer costs.
// So between gather and Close they are written together, a moment later. Whoever
// logs is not held up for ever by a reader that has stopped: what finds no room
// is counted instead.
type lines struct {
	to   io.Writer
	tell func(lost int) // logs it

	writing sync.Mutex // whoever has it writes next

	mu        sync.Mutex
	gathering bool
	waiting   []byte
	spare     []byte        // what was waiting before
	timer     *time.Timer   // nil unless something waits
	asked     chan struct{} // closed when it is written, which is to be at once; nil unless it is
	room      chan struct{} // closed when there is some; nil unless somebody waits for it
	full      bool          // nothing was read for so long that nobody waits any more
	lost      int           // lines
}

// gather begins to.
func (l *lines) gather() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathering = true
}

// Close writes what waits, as far as somebody reads it, and whatever comes after at
// once.
func (l *lines) Close() {
	l.mu.Lock()
	l.gathering = false
	written := l.hurry()
	l.mu.Unlock()
	l.await(written)
}

// Write takes whole lines.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	if !l.gathering {
		l.mu.Unlock()
		l.writing.Lock()
		defer l.writing.Unlock()
		return l.to.Write(p)
	}
	defer l.mu.Unlock()
	if !l.makeRoom(len(p)) {
		l.lost++
		return len(p), nil
	}
	l.waiting = append(l.waiting, p...)
	if len(l.waiting) >= lineBatch || !l.gathering { // it may have waited for room
		l.hurry()
	} else if l.timer == nil {
		l.timer = time.AfterFunc(lineWait, l.flush)
	}
	return len(p), nil
}

// makeRoom waits for some. It is called, and returns, with l.mu locked.
func (l *lines) makeRoom(size int) bool {
	if len(l.waiting)+size <= lineRoom {
		return true
	}
	limit := time.NewTimer(roomWait)
	defer limit.Stop()
	for !l.full && len(l.waiting)+size > lineRoom {
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
			l.mu.Lock()
		case <-limit.C:
			l.mu.Lock()
			l.full = l.room == room // nothing was written meanwhile
			return len(l.waiting)+size <= lineRoom
		}
	}
	return len(l.waiting)+size <= lineRoom
}

// hurry has it all written now, and doesn't wait: what it returns is closed then. It
// is called with l.mu locked.
func (l *lines) hurry() <-chan struct{} {
	if l.asked == nil {
		written := make(chan struct{})
		l.asked = written
		go func() { // ends when it has written; there are no more than two
			defer close(written)
			l.flush()
		}()
	}
	return l.asked
}

// await waits for what hurry returned, as long as a line waits for room.
func (l *lines) await(written <-chan struct{}) {
	limit := time.NewTimer(roomWait)
	defer limit.Stop()
	select {
	case <-written:
	case <-limit.C:
		l.mu.Lock()
		l.full = true // until something is written
		l.mu.Unlock()
	}
}

// flush writes what waits.
func (l *lines) flush() {
	if lost := l.write(); lost > 0 {
		l.tell(lost) // which comes back to Write
	}
}

func (l *lines) write() (lost int) {
	var all []byte
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	all, lost = l.waiting, l.lost
	l.waiting, l.spare, l.lost, l.asked, l.full = l.spare[:0], nil, 0, nil, false
	l.mu.Unlock()
	for rest := all; len(rest) > 0; {
		n := piece(rest)
		_, _ = l.to.Write(rest[:n]) // there is nowhere else to tell
		rest = rest[n:]
	}
	l.mu.Lock()
	l.spare = all
	l.mu.Unlock()
	return lost
}

// piece is how much of p is written at once: whole lines, so that others who write
// to the same place rarely come between the ends of one.
func piece(p []byte) int {
	if len(p) <= linePiece {
		return len(p)
	}
	if end := bytes.LastIndexByte(p[:linePiece], '\n'); end >= 0 {
		return end + 1
	}
	if end := bytes.IndexByte(p, '\n'); end >= 0 {
		return end + 1
	}
	return len(p)
}

// promptly is a handler whose warnings don't wait for company. What is worse is
// written before whoever tells it goes on, if anybody reads: it may be their last
// word.
type promptly struct {
	slog.Handler
	to *lines
}

// Handle logs r.
func (p promptly) Handle(ctx context.Context, r slog.Record) error {
	err := p.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		p.to.mu.Lock()
		written, wait := p.to.hurry(), r.Level >= slog.LevelError && !p.to.full
		p.to.mu.Unlock()
		if wait {
			p.to.await(written)
		}
	}
	return err
}

// WithAttrs is as promptly.
func (p promptly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptly{p.Handler.WithAttrs(attrs), p.to}
}

// WithGroup is as promptly.
func (p promptly) WithGroup(name string) slog.Handler {
	return promptly{p.Handler.WithGroup(name), p.to}
}
