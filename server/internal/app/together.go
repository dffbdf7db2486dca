package app

import "sync"

// together does for many at once what each would have to ask the database for:
// what comes while a statement is on its way is in the next one. Nobody waits
// for company, and nobody is woken to ask for others: whoever is at the head of
// the queue asks for all of it. Its zero value is ready.
type together[T any] struct {
	mu      sync.Mutex
	waiting []part[T]
	asking  int
}

type part[T any] struct {
	of     T
	weight int
	turn   chan bool // whether to ask for those who wait; false when that was done
}

// bounds are how many ask at once, how many must wait before somebody else asks
// beside the first one, how much is asked for at once, and how many wait for it.
type bounds struct{ askers, worth, weight, queue int }

// do returns when ask was called with of, here or by somebody else, among others.
// It reports false when too many wait, and ask was not called then.
func (q *together[T]) do(of T, weight int, within bounds, ask func([]T)) bool {
	q.mu.Lock()
	if len(q.waiting) >= within.queue {
		q.mu.Unlock()
		return false
	}
	s := part[T]{of: of, weight: weight}
	if q.asking == 0 || q.asking < within.askers && len(q.waiting)+1 >= within.worth {
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
	all, others := q.join(s, within.weight)
	defer q.leave(others, within.worth)
	ask(all)
	return true
}

// join adds those who wait to s, as many as fit.
func (q *together[T]) join(s part[T], most int) (all []T, others []part[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
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
	return all, others
}

// leave tells the others, and lets the next one ask.
func (q *together[T]) leave(others []part[T], worth int) {
	for _, o := range others {
		o.turn <- false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || q.asking > 1 && len(q.waiting) < worth { // somebody else asks for them
		q.asking--
		return
	}
	next := q.waiting[0]
	q.waiting = q.waiting[1:]
	next.turn <- true
}
