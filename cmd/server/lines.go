package main

import (
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
	roomWait  = time.Second            // how long a line waits for room
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
	asked     bool          // that it be written at once
	room      chan struct{} // closed when there is some; nil unless somebody waits for it
	full      bool          // there was none for so long that nobody waits any more
	lost      int           // lines
}

// gather begins to.
func (l *lines) gather() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gathering = true
}

// Close writes what waits, and whatever comes after at once.
func (l *lines) Close() {
	l.mu.Lock()
	l.gathering = false
	l.mu.Unlock()
	l.flush()
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

// hurry has it all written now, and doesn't wait. It is called with l.mu locked.
func (l *lines) hurry() {
	if !l.asked {
		l.asked = true
		go l.flush() // ends when it has written; there are no more than two
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
	l.waiting, l.spare, l.lost, l.asked, l.full = l.spare[:0], nil, 0, false, false
	l.mu.Unlock()
	if len(all) > 0 {
		_, _ = l.to.Write(all) // there is nowhere else to tell
	}
	l.mu.Lock()
	l.spare = all
	l.mu.Unlock()
	return lost
}

// promptly is a handler whose warnings don't wait for company.
type promptly struct {
	slog.Handler
	to *lines
}

// Handle logs r.
func (p promptly) Handle(ctx context.Context, r slog.Record) error {
	err := p.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		p.to.mu.Lock()
		p.to.hurry()
		p.to.mu.Unlock()
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
