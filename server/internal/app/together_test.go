package app

import (
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Whoever comes while others are asked for is asked for next, with everybody who
// has come by then, as far as there is room.
func TestTogether(t *testing.T) {
	t.Parallel()
	var (
		q       together[int]
		asked   = make(chan []int)
		answer  = make(chan bool) // whether it goes well
		waiting sync.WaitGroup
	)
	within := bounds{askers: 1, worth: 1, weight: 4, queue: 5}
	ask := func(batch []int) {
		asked <- batch
		if !<-answer {
			panic("asked in vain")
		}
	}
	come := func(n int) {
		waiting.Go(func() {
			defer func() { _ = recover() }()
			if !q.do(n, 1, within, ask) {
				t.Errorf("%d was sent away", n)
			}
		})
	}
	waits := func(n int) { // until so many do
		for {
			q.mu.Lock()
			have := len(q.waiting)
			q.mu.Unlock()
			if have == n {
				return
			}
			runtime.Gosched()
		}
	}
	come(1)
	if batch := <-asked; !slices.Equal(batch, []int{1}) {
		t.Errorf("the first asks for %v", batch)
	}
	for n := 2; n <= 6; n++ {
		come(n)
		waits(n - 1)
	}
	if q.do(7, 1, within, func([]int) { t.Error("the one too many was asked for") }) {
		t.Error("the one too many waits")
	}
	for i, want := range [][]int{{2, 3, 4, 5}, {6}} {
		answer <- i > 0 // whatever happens, the others go on
		if batch := <-asked; !slices.Equal(batch, want) {
			t.Errorf("then %v are asked for, want %v", batch, want)
		}
	}
	answer <- true
	waiting.Wait()
	come(8)
	if batch := <-asked; !slices.Equal(batch, []int{8}) {
		t.Errorf("after a rest, %v", batch)
	}
	answer <- true
	waiting.Wait()
	if q.asking != 0 || len(q.waiting) != 0 {
		t.Errorf("%d ask, %d wait", q.asking, len(q.waiting))
	}
}
