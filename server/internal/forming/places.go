package forming

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// mostOne is how many may be at work for one visitor.
const mostOne = 3

// Who is a visitor, as far as they are counted: an account by its ID, a guest by
// their network. Guests together have half of the places, so that no number of
// networks leaves none to accounts.
type Who struct {
	Name  string
	Guest bool
}

// places are what processes are at work in: as many as the processors manage beside
// the server, since the visitors pay nothing for them.
type places struct {
	most int
	turn time.Duration // that one waits for a place

	mu          sync.Mutex
	all, guests int
	of          map[Who]int
	left        chan struct{} // closed when one is free
}

func newPlaces() places {
	return places{most: max(12, 4*runtime.NumCPU()), turn: 10 * time.Second, of: map[Who]int{}, left: make(chan struct{})}
}

// enter waits for its turn.
func (p *places) enter(ctx context.Context, who Who) error {
	late := time.NewTimer(p.turn)
	defer late.Stop()
	for {
		left := p.take(who)
		if left == nil {
			return nil
		}
		select {
		case <-left:
		case <-late.C:
			return hub.Errorf(hub.Limit, "Too many are using --jq and --template at once. Try again in a moment, or use --json.")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take takes a place, or returns what is closed when there may be one.
func (p *places) take(who Who) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || p.of[who] >= mostOne || who.Guest && p.guests >= p.most/2 {
		return p.left
	}
	p.count(who, 1)
	return nil
}

func (p *places) leave(who Who) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(who, -1)
	close(p.left)
	p.left = make(chan struct{})
}

func (p *places) count(who Who, n int) {
	p.all += n
	if who.Guest {
		p.guests += n
	}
	if p.of[who] += n; p.of[who] == 0 {
		delete(p.of, who)
	}
}
