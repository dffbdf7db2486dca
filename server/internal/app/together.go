package app

import "sync"

// together does for many at once what each would have to ask the database for:
// what comes while a statement is on its way is in the next one. Nobody waits
// for company. Its zero value is ready.
type together[T any] struct {
	mu      sync.Mutex
	waiting []T
	working int
}

// add puts one in the queue, and somebody to work who does all of it,
// unless enough of them do already. It reports false when there are too many.
func (q *together[T]) add(one T, most, workers int, work func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= most {
		return false
	}
	q.waiting = append(q.waiting, one)
	if q.working < workers {
		q.working++
		go work() // ends when nobody waits, and whoever waits waits for it
	}
	return true
}

// next is what is to be done together: as many of those who wait as fit. It is
// empty when nobody waits, and whoever asked has ended then.
func (q *together[T]) next(fits func(waiting []T) int) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.working--
		return nil
	}
	n := fits(q.waiting)
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return batch
}
