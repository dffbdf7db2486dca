package app

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	badLogins       = 10
	badLoginsWindow = time.Minute
	attemptsKept    = 10_000
)

// attempts counts wrong passwords per account and source. The source is part
// of it so that nobody can lock somebody else out. Where many keys cost nothing
// is one of its own: what is many there pushes nothing out elsewhere.
type attempts struct {
	mu     sync.Mutex
	counts map[attempt]tally
}

type attempt struct{ login, source string }

type tally struct {
	since time.Time
	n     int
}

// begin counts an attempt in advance, so that parallel ones cannot all slip
// through, or refuses it.
func (a *attempts) begin(at attempt, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[attempt]tally{}
	}
	t := a.counts[at]
	if now.Sub(t.since) >= badLoginsWindow {
		t = tally{since: now}
	}
	if t.n >= badLogins {
		return &hub.Error{
			Code: hub.Limit, Message: "Too many wrong passwords. Please wait a minute.",
			RetryAfter: max(time.Second, badLoginsWindow-now.Sub(t.since)),
		}
	}
	if len(a.counts) >= attemptsKept {
		a.sweep(now)
	}
	t.n++
	a.counts[at] = t
	return nil
}

// forgive takes back an attempt that was not a wrong password; after a right
// one, all of them.
func (a *attempts) forgive(at attempt, all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.counts[at]
	if t.n--; all || t.n <= 0 {
		delete(a.counts, at)
		return
	}
	a.counts[at] = t
}

// sweep makes room: what is over goes, and if that is little, the older half.
func (a *attempts) sweep(now time.Time) {
	for at, t := range a.counts {
		if now.Sub(t.since) >= badLoginsWindow {
			delete(a.counts, at)
		}
	}
	if len(a.counts) <= attemptsKept/2 {
		return
	}
	oldest := slices.SortedFunc(maps.Keys(a.counts), func(x, y attempt) int { return a.counts[x].since.Compare(a.counts[y].since) })
	for _, at := range oldest[:len(oldest)/2] {
		delete(a.counts, at)
	}
}
