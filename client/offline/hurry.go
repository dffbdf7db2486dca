package offline

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"
)

// answering is how long a hub that has taken a connection may take until it
// begins to answer, where something kept would do.
const answering = 5 * time.Second

// errSlow is why a call was ended that something kept answers as well.
var errSlow = errors.New("the hub took too long")

// A hurry ends a call that gets nowhere, once there is something to do instead.
// Without that the call has all the time that the client gives it.
type hurry struct {
	instead func() bool
	reading bool // a call that may be ended after it has left
	cancel  context.CancelCauseFunc
	ctx     context.Context

	asking sync.Mutex

	mu    sync.Mutex
	timer *time.Timer
	taken bool // the hub has taken a connection: the request may be on its way
	over  bool
}

// hurry watches the call that is made with the context it returns. instead
// reports whether there is something else: it is asked when time is up, by one at a
// time.
func (h *Hub) hurry(ctx context.Context, reading bool, instead func() bool) (context.Context, *hurry) {
	ctx, cancel := context.WithCancelCause(ctx)
	y := &hurry{instead: instead, reading: reading, cancel: cancel, ctx: ctx}
	patience := h.cache.patience()
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { y.within(patience) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				y.met()
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { y.took() },
		GotFirstResponseByte: func() { y.within(0) },
	}), y
}

// within gives the call d for what comes next; 0 is all the time it wants.
func (y *hurry) within(d time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.set(d)
}

func (y *hurry) set(d time.Duration) {
	if y.timer != nil {
		y.timer.Stop()
		y.timer = nil
	}
	if d > 0 && !y.over {
		y.timer = time.AfterFunc(d, y.giveUp)
	}
}

// met notes that somebody is there: what follows, TLS say, has a limit of its own.
func (y *hurry) met() {
	y.mu.Lock()
	defer y.mu.Unlock()
	if !y.taken {
		y.set(0)
	}
}

func (y *hurry) took() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.taken = true
	if y.set(0); y.reading {
		y.set(answering)
	}
}

func (y *hurry) giveUp() {
	y.mu.Lock()
	up, idle := y.timer, y.idle()
	y.mu.Unlock()
	if idle {
		return
	}
	y.asking.Lock() // y.mu would keep the call waiting that is watched
	ok := y.instead()
	y.asking.Unlock()
	y.mu.Lock()
	defer y.mu.Unlock()
	if ok && y.timer == up && !y.idle() { // nothing has happened meanwhile
		y.over = true
		y.cancel(errSlow)
	}
}

// idle reports whether there is no time to be up.
func (y *hurry) idle() bool { return y.over || y.timer == nil || y.taken && !y.reading }

// end is called when the call has returned. It reports whether it failed because it
// was ended for being slow, and whether the hub may have its request: a refusal that
// came while time ran out is an answer.
func (y *hurry) end(err error) (slow, arrived bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.over = true
	y.set(0)
	slow = context.Cause(y.ctx) == errSlow && errors.Is(err, context.Canceled) //nolint:errorlint // it is set as it is
	y.cancel(nil)
	return slow, y.taken
}
