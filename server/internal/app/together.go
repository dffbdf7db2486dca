package app

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// together does for many at once what each would have to ask the database for:
// what comes while a statement is on its way is in the next one. Nobody waits
// for company, and nobody is woken to ask for others: whoever is at the head of
// the queue asks for all of it. Its zero value is ready.
type together[T any] struct {
	mu      sync.Mutex
	waiting []part[T]
	asking  int
	out     []time.Time // since when, of those who ask by now; the latest is last
}

type part[T any] struct {
	of     T
	weight int
	turn   chan bool // whether to ask for those who wait; false when that was done
}

// bounds are how many ask at once, how many must wait before somebody else asks
// beside the first one, how much is asked for at once, and how many wait for it.
// However few wait, they don't for one who has been out for so long as late.
type bounds struct {
	askers, worth, weight, queue int
	late                         time.Duration
}

// do returns when ask was called with of, here or by somebody else, among others.
// It reports false when too many wait, and ask was not called then.
func (q *together[T]) do(of T, weight int, within bounds, ask func([]T)) bool {
	q.mu.Lock()
	if len(q.waiting) >= within.queue {
		q.mu.Unlock()
		return false
	}
	s := part[T]{of: of, weight: weight}
	if q.asking == 0 || q.asking < within.askers && (len(q.waiting)+1 >= within.worth || q.late(q.asking, within)) {
		q.asking++
		q.mu.Unlock()
	} else {
		s.turn = make(chan bool, 1)
		q.waiting = append(q.waiting, s)
		q.mu.Unlock()
		if !<-s.turn { // bounded by the time of who asks
			return true
		}
	}
	all, others, since := q.join(s, within.weight)
	defer q.leave(others, since, within)
	ask(all)
	return true
}

// late says whether all who ask, so many, are held up: by a row that somebody has
// locked, perhaps, which is no matter of who comes. It is called with q.mu locked.
func (q *together[T]) late(asking int, within bounds) bool {
	return len(q.out) == asking && time.Since(q.out[asking-1]) >= within.late
}

// join adds those who wait to s, as many as fit.
func (q *together[T]) join(s part[T], most int) (all []T, others []part[T], since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	since = time.Now()
	q.out = append(q.out, since)
	n := 0
	for weight := s.weight; n < len(q.waiting) && weight+q.waiting[n].weight <= most; n++ {
		weight += q.waiting[n].weight
	}
	others = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	all = append(make([]T, 0, n+1), s.of)
	for _, o := range others {
		all = append(all, o.of)
	}
	return all, others, since
}

// leave tells the others, and lets the next one ask.
func (q *together[T]) leave(others []part[T], since time.Time, within bounds) {
	for _, o := range others {
		o.turn <- false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.out, since)
	q.out = slices.Delete(q.out, at, at+1)
	if len(q.waiting) == 0 || q.asking > 1 && len(q.waiting) < within.worth && !q.late(q.asking-1, within) { // somebody else asks for them
		q.asking--
		return
	}
	next := q.waiting[0]
	q.waiting = q.waiting[1:]
	next.turn <- true
}

// contain is for whoever asks for others, to be deferred: a panic is none of who
// happened to ask, who may be where nobody else would catch it. They are told what
// they were before it.
func (a *App) contain(ctx context.Context) {
	if p := recover(); p != nil {
		a.Log.ErrorContext(ctx, "panic", "panic", p, "stack", string(debug.Stack()))
	}
}
