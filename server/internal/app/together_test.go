package app

import (
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
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
	if q.asking != 0 || len(q.out) != 0 || len(q.waiting) != 0 {
		t.Errorf("%d ask, %d wait", q.asking, len(q.waiting))
	}
}

// Whom one holds up who asks, because a row is locked, somebody else asks for:
// whoever comes, and whoever was with them.
func TestTogetherBesideOneThatTakesLong(t *testing.T) {
	t.Parallel()
	var (
		q       together[int]
		asked   = make(chan []int)
		stuck   = make(chan bool)
		next    = make(chan bool)
		waiting sync.WaitGroup
	)
	come := func(n int, late time.Duration, until chan bool) {
		waiting.Go(func() {
			q.do(n, 1, bounds{askers: 2, worth: 100, weight: 100, queue: 100, late: late}, func(batch []int) {
				asked <- batch
				<-until
			})
		})
	}
	wait := func() {
		for waits := 0; waits != 1; runtime.Gosched() {
			q.mu.Lock()
			waits = len(q.waiting)
			q.mu.Unlock()
		}
	}
	want := func(batch ...int) {
		t.Helper()
		if got := <-asked; !slices.Equal(got, batch) {
			t.Errorf("%v are asked for, want %v", got, batch)
		}
	}
	come(1, time.Hour, stuck)
	want(1)
	come(2, time.Hour, next)
	wait() // the first isn't late yet
	come(3, 0, next)
	want(3, 2)
	come(4, 0, next)
	wait() // there are two
	next <- true
	want(4) // though worth less, and somebody else asks
	next <- true
	close(stuck)
	waiting.Wait()
	if q.asking != 0 || len(q.out) != 0 || len(q.waiting) != 0 {
		t.Errorf("%d ask, %v are out, %d wait", q.asking, q.out, len(q.waiting))
	}
}

// A panic of whoever asks for all is logged, and an error for each.
func TestTogetherContainsAPanic(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	a := &App{Log: slog.New(slog.NewTextHandler(&log, nil))} // there is no database to ask
	if _, err := a.quotas.lease(t.Context(), a, postgres.QuotaWant{}); !errors.Is(err, errLeaseFailed) {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "takeTogether") {
		t.Errorf("the log says %q", log.String())
	}
}
