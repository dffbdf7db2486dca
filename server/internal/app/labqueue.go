package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	seatPatience = 10 * time.Second // a start waits for others to get under way, before it is told its place
	queueTick    = 50 * time.Millisecond
	usersTickets = 5
)

// labQueue is who may start a lab on this machine now, and in which order the
// others will. Whoever waits holds no row, no sandbox and no connection: a place
// is kept for those who ask again in time. Its zero value is ready.
type labQueue struct {
	mu       sync.Mutex
	tickets  []*ticket      // as they came
	starting int            // seats taken
	unstored int            // of those, without a row yet
	has      map[string]int // labs that each user had running when we looked last

	asking   chan struct{} // closed when whoever looks has; nil when nobody does
	asked    time.Time     // when somebody last began to
	asks     int
	answered int // the last look that came to something
}

// A ticket is a user's place in the queue for one lab. Requests for the same
// share it.
type ticket struct {
	user, lab string
	waiting   int       // requests that wait right now
	until     time.Time // when nobody waits: how long the place is kept
	full      bool      // it waits for a lab to end, and not only for others to start
	called    *seat     // the ticket is out of the queue then
}

// A seat is the right to start one lab, for the requests that shared a ticket.
type seat struct {
	q      *labQueue
	users  int
	stored bool
}

// takeSeat waits for the caller's turn to start a lab. While others get under
// way that may take a moment; on a full machine the answer comes at once, with
// the place in the queue. Before anybody waits, sure may know better.
func (a Actor) takeSeat(ctx context.Context, lab string, sure func() error) (*seat, error) {
	if a.app.Labs.MaxRunning <= 0 && a.app.Labs.MaxStarting <= 0 {
		return nil, nil
	}
	q := &a.app.queue
	t, err := q.join(a.user.ID, lab)
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(seatPatience)
	defer patience.Stop()
	tick := time.NewTicker(queueTick)
	defer tick.Stop()
	err = a.app.callNext(ctx)
	called, full := q.look(t)
	if called == nil && err == nil {
		err = sure()
	}
	for late := false; called == nil && err == nil && !full && !late; called, full = q.look(t) {
		select {
		case <-tick.C:
			err = a.app.callNext(ctx)
		case <-patience.C:
			late = true
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	place := q.place(t)
	again := min(2+time.Duration(place)/5, 15) * time.Second
	keep := time.Time{}
	if err == nil {
		keep = a.app.now().Add(2*again + 5*time.Second)
	}
	if called = q.part(t, keep); called != nil { // at the last moment, perhaps
		return called, nil
	}
	if err != nil {
		return nil, err
	}
	e := hub.New(hub.Unavailable, "All machines for labs are busy. You are number %d in the queue; ask again to keep your place.", place)
	e.Place, e.RetryAfter = place, again
	return nil, e
}

// callNext gives seats to those whose turn it is, as things stand after it was
// called. One caller asks the database for all, and a moment after the last did.
func (a *App) callNext(ctx context.Context) error {
	q := &a.queue
	q.mu.Lock()
	for next := q.asks + 1; q.answered < next; q.mu.Lock() {
		over, pause := q.asking, queueTick-time.Since(q.asked)
		if over == nil && pause <= 0 {
			return a.ask(ctx)
		}
		q.mu.Unlock()
		var again <-chan time.Time
		if over == nil {
			again = time.After(pause)
		}
		select {
		case <-over:
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	q.mu.Unlock()
	return nil
}

// ask is callNext's turn at the database. It is called with the queue locked,
// and returns with it unlocked.
func (a *App) ask(ctx context.Context) error {
	q := &a.queue
	q.asks++
	q.asking, q.asked = make(chan struct{}), time.Now()
	// A row that is stored meanwhile is counted twice rather than not at all.
	this, unstored := q.asks, q.unstored
	q.mu.Unlock()
	var has map[string]int
	var err error
	if a.Labs.MaxRunning > 0 {
		err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
			has, err = tx.CountLabRuns(ctx, a.Labs.Node)
			return err
		})
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.asking)
	q.asking = nil
	if err != nil { // the others ask themselves
		return err
	}
	q.answered, q.has = this, has
	now := a.now()
	q.tickets = slices.DeleteFunc(q.tickets, func(t *ticket) bool { return t.waiting == 0 && !now.Before(t.until) })
	room, starts := len(q.tickets), len(q.tickets)
	if most := a.Labs.MaxRunning; most > 0 {
		room = most - unstored
		for _, n := range has {
			room -= n
		}
	}
	if most := a.Labs.MaxStarting; most > 0 {
		starts = most - q.starting
	}
	q.call(room, starts)
	return nil
}

// call gives seats in order, to as many as there is room for and as may be under
// way.
func (q *labQueue) call(room, starts int) {
	for _, t := range q.inOrder() {
		if room--; room < 0 {
			t.full = true
			continue
		}
		t.full = false
		if t.waiting == 0 || starts <= 0 { // its room is kept
			continue
		}
		starts--
		q.starting++
		q.unstored++
		t.called = &seat{q: q, users: t.waiting}
		q.tickets = slices.DeleteFunc(q.tickets, func(o *ticket) bool { return o == t })
	}
}

// inOrder is the queue: everybody's first lab before anybody's second.
func (q *labQueue) inOrder() []*ticket {
	nth, of := map[*ticket]int{}, maps.Clone(q.has)
	if of == nil {
		of = map[string]int{}
	}
	for _, t := range q.tickets {
		nth[t] = of[t.user]
		of[t.user]++
	}
	order := slices.Clone(q.tickets)
	slices.SortStableFunc(order, func(a, b *ticket) int { return nth[a] - nth[b] })
	return order
}

func (q *labQueue) join(user, lab string) (*ticket, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	mine := 0
	for _, t := range q.tickets {
		if t.user != user {
			continue
		}
		if t.lab == lab {
			t.waiting++
			return t, nil
		}
		mine++
	}
	if mine >= usersTickets {
		e := hub.New(hub.Limit, "You wait for %d labs already.", mine)
		e.RetryAfter = 15 * time.Second
		return nil, e
	}
	t := &ticket{user: user, lab: lab, waiting: 1}
	q.tickets = append(q.tickets, t)
	return t, nil
}

func (q *labQueue) look(t *ticket) (called *seat, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return t.called, t.full
}

// place is where t stands, from 1.
func (q *labQueue) place(t *ticket) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Index(q.inOrder(), t) + 1
}

// part ends a request's wait, with its seat if it was called. Else its place is
// kept for a while, or given up when keep is zero.
func (q *labQueue) part(t *ticket, keep time.Time) *seat {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.called != nil {
		return t.called
	}
	t.waiting--
	if t.waiting == 0 {
		t.until = keep
	}
	return nil
}

// isStored says that the row of the seat's lab counts from now on, or that
// there will be none.
func (s *seat) isStored() {
	if s == nil {
		return
	}
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if !s.stored {
		s.stored = true
		s.q.unstored--
	}
}

// leave gives the seat back. Each request that sat on it calls it once.
func (s *seat) leave() {
	if s == nil {
		return
	}
	s.isStored()
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.users--; s.users == 0 {
		s.q.starting--
	}
}
