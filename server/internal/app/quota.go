package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Limits is how much each may use. Zero is without limit.
type Limits struct {
	Guest, Free, Premium int // requests in any hour; guests are counted by address, staff has the premium tier's
	SignIn               int // requests of one address that sign in, register or reset
	LabMinutes           int // of labs, for free members, in a day
}

// QuotaSpan is the time that requests are counted in: any hour, wherever it
// begins.
const QuotaSpan = time.Hour

const (
	leaseIdle  = 2 * time.Second        // what nobody has used for so long goes back
	recallWait = 150 * time.Millisecond // how long others have to give back what they hold
	maxQuotas  = 100_000
	complain   = 5 * time.Second // how often at most it is logged that requests can't be counted
)

// A Standing is how a principal stands with a limit. A zero Most is without one.
type Standing struct {
	Policy     string // its name in headers
	Most, Left int
	Reset      time.Duration // until the oldest of what was used is free again
}

// Spend counts one request of the actor's, through whichever door it came: an
// account has one quota, whatever was shown for it. It refuses the one too much.
func (a Actor) Spend(ctx context.Context) (Standing, error) {
	principal, most := a.quota()
	return a.app.quotas.spend(ctx, a.app, "hour", principal, most)
}

// SpendSignIn is Spend for those who have yet to say who they are.
func (a Actor) SpendSignIn(ctx context.Context) (Standing, error) {
	return a.app.quotas.spend(ctx, a.app, "sign-in", "s:"+a.source, a.app.Limits.SignIn)
}

func (a Actor) quota() (principal string, most int) {
	switch l := a.app.Limits; {
	case a.user.ID == "":
		return "a:" + a.source, l.Guest
	case access.Rank(a.user.Role) >= access.Rank(hub.Premium):
		return "u:" + a.user.ID, l.Premium
	default:
		return "u:" + a.user.ID, l.Free
	}
}

// network is what counts as one source: an address, or the /64 that everybody
// with IPv6 has to themselves.
func network(source string) string {
	if ap, err := netip.ParseAddrPort(source); err == nil && ap.Addr().Is4() {
		return source[:strings.IndexByte(source, ':')]
	}
	if host, _, err := net.SplitHostPort(source); err == nil {
		source = host
	}
	ip, err := netip.ParseAddr(source)
	if err != nil {
		return source
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	p, _ := ip.WithZone("").Prefix(64) // it has more bits than that
	return p.Addr().String()
}

// quotas counts requests exactly, together with the other servers on the same
// database. Each server takes a few at a time from there and serves them from
// memory, fewer the less there is left; what it doesn't use goes back. What is
// used up is refused from memory too. Its zero value is ready.
type quotas struct {
	mu      sync.Mutex
	of      map[string]*quota
	recalls chan string
	closing atomic.Bool
	leases  together[*lease]

	uncounted, uncountable atomic.Int64
	complained             atomic.Int64 // when uncountable was last logged, in nanoseconds
}

const leaseMost = 256 // principals of one statement

var leasing = bounds{askers: 2, worth: 1, weight: leaseMost, queue: 10_000}

// lease is what one principal takes, together with others.
type lease struct {
	want postgres.QuotaWant
	got  postgres.QuotaGot
	err  error
}

type quota struct {
	waiting atomic.Int32

	mu    sync.Mutex
	held  int       // taken and not used
	left  int       // behind that, as last heard
	free  time.Time // when the oldest is free again
	until time.Time // refused until then
	used  time.Time
	taken time.Time // when some were last
	spent int       // since
}

func (q *quotas) get(principal string, now time.Time) *quota {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of == nil {
		q.of = map[string]*quota{}
	}
	one, ok := q.of[principal]
	if !ok {
		if len(q.of) >= maxQuotas {
			q.sweepLocked(now)
		}
		one = &quota{}
		q.of[principal] = one
	}
	return one
}

// sweepLocked makes room: what holds nothing and refuses nothing is known again
// by asking.
func (q *quotas) sweepLocked(now time.Time) {
	for p, one := range q.of {
		if one.mu.TryLock() {
			if one.held == 0 && !now.Before(one.until) && now.Sub(one.used) > leaseIdle && one.waiting.Load() == 0 {
				delete(q.of, p)
			}
			one.mu.Unlock()
		}
	}
}

func (q *quotas) spend(ctx context.Context, a *App, policy, principal string, most int) (Standing, error) {
	if most <= 0 {
		return Standing{}, nil
	}
	now := a.now()
	one := q.get(principal, now)
	one.waiting.Add(1)
	one.mu.Lock()
	defer one.mu.Unlock()
	one.waiting.Add(-1)
	if one.held == 0 && !now.Before(one.until) {
		if err := q.take(ctx, a, one, principal, most, now); err != nil {
			return Standing{}, q.refuseUncounted(ctx, a, now, err)
		}
	}
	one.used = now
	st := Standing{Policy: policy, Most: most, Reset: until(one.free, now)}
	if one.held == 0 {
		st.Reset = until(one.until, now)
		e := quotaSpent(policy, most)
		e.RetryAfter = st.Reset
		return st, e
	}
	one.held--
	one.spent++
	st.Left = min(most-1, one.left+one.held)
	return st, nil
}

// ErrUncountable is why a request is refused that could not be counted. That is
// logged here, not for each: a flood of them is what keeps a database from counting.
var ErrUncountable = errors.New("the quota could not be asked")

// refuseUncounted is whether somebody gets on whose request could not be counted.
// With a database that is away they do: what can be answered without it is, and the
// rest says itself why not. While it is there nobody does, or a crowd that keeps it
// busy would be without a limit; and a busy one loses our ear, too, so that being
// deaf alone says nothing.
func (q *quotas) refuseUncounted(ctx context.Context, a *App, now time.Time, err error) error {
	switch {
	case ctx.Err() != nil: // nobody waits for an answer, which the database may have kept waiting or not
		return ctx.Err()
	case postgres.Away(err) && !a.known.told.Load():
		q.uncounted.Add(1)
		return nil
	}
	n, last := q.uncountable.Add(1), q.complained.Load()
	if now.UnixNano()-last >= int64(complain) && q.complained.CompareAndSwap(last, now.UnixNano()) {
		a.Log.ErrorContext(ctx, "requests are refused that can't be counted", "until_now", n, "err", err)
	}
	return &hub.Error{
		Code: hub.Unavailable, Message: "The database is not available right now. Please try again.", RetryAfter: 2 * time.Second,
		Err: fmt.Errorf("%w: %w", ErrUncountable, err),
	}
}

// Uncounted is how many requests were let through that could not be counted.
func (a *App) Uncounted() int64 { return a.quotas.uncounted.Load() }

// Uncountable is how many were refused for that.
func (a *App) Uncountable() int64 { return a.quotas.uncountable.Load() }

// until is how long to wait. Others may have been served since now.
func until(t, now time.Time) time.Duration {
	return max(time.Second, min(t.Sub(now), QuotaSpan))
}

func quotaSpent(policy string, most int) *hub.Error {
	if policy != "hour" {
		return hub.New(hub.Limit, "Too many sign-ins come from your network. Please try again later.")
	}
	return hub.New(hub.Limit, "You have used up your %s requests an hour. Please try again later.", spelledCount(most))
}

func spelledCount(n int) string {
	s := []byte{}
	for digits := 0; n > 0 || digits == 0; digits++ {
		if digits > 0 && digits%3 == 0 {
			s = append([]byte{','}, s...)
		}
		s = append([]byte{byte('0' + n%10)}, s...)
		n /= 10
	}
	return string(s)
}

// take gets some from the database: as many as are asked for at this pace, but
// never so many that another server would lack them.
func (q *quotas) take(ctx context.Context, a *App, one *quota, principal string, most int, now time.Time) error {
	// How much was used since, and how fast, tells the pace: enough for two
	// seconds of it, or for one after a rest.
	pace, end, ahead := 1, now, time.Duration(2)
	if now.Sub(one.used) >= leaseIdle {
		end, ahead = one.used, 1
	}
	if now.Sub(one.taken) < time.Minute {
		pace = min(int(ahead*time.Duration(one.spent)*time.Second/max(end.Sub(one.taken), time.Second)), most)
	}
	pace = max(pace, int(one.waiting.Load())+1)
	want := max(1, min(pace, most/100, one.left/8))
	if q.closing.Load() {
		want = 1
	}
	one.spent, one.taken = 0, now
	for try := 1; ; try++ {
		got, err := q.lease(ctx, a, postgres.QuotaWant{Principal: principal, Want: want, Most: most, At: now})
		one.held, one.left, one.free = got.Got, got.Left, got.Free
		if err == nil && one.held == 0 && try == 1 && a.known.told.Load() {
			err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.Tell(ctx, "quota", principal) })
		}
		if err != nil {
			one.held = 0
			return err
		}
		if one.held > 0 {
			return nil
		}
		one.until = one.free
		if try > 1 || !a.known.told.Load() {
			return nil
		}
		// Somebody else may hold a few: ask for them before refusing.
		wait := time.NewTimer(recallWait)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
	}
}

// lease takes from the database, together with whoever else does just then.
func (q *quotas) lease(ctx context.Context, a *App, want postgres.QuotaWant) (postgres.QuotaGot, error) {
	l := &lease{want: want, err: errLeaseFailed}
	take := func(batch []*lease) {
		defer a.contain(ctx)
		takeTogether(context.WithoutCancel(ctx), a, batch)
	}
	if !q.leases.do(l, 1, leasing, take) {
		return postgres.QuotaGot{}, errLeasesFull
	}
	return l.got, l.err
}

// takeTogether asks for what several principals want. Each is in one batch at
// most: theirs is locked meanwhile.
func takeTogether(ctx context.Context, a *App, batch []*lease) {
	wants := make([]postgres.QuotaWant, len(batch))
	for i, l := range batch {
		wants[i] = l.want
	}
	take := func(wants []postgres.QuotaWant) (all []postgres.QuotaGot, err error) {
		err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
			all, err = tx.TakeQuotas(ctx, wants, QuotaSpan)
			return err
		})
		return all, err
	}
	all, err := take(wants)
	alone := err != nil && len(batch) > 1 && hub.CodeOf(err) != hub.Unavailable // one of them is why
	for i, l := range batch {
		if alone {
			var one []postgres.QuotaGot
			if one, l.err = take(wants[i : i+1]); l.err == nil {
				l.got = one[0]
			}
		} else if l.err = err; err == nil {
			l.got = all[i]
		}
	}
}

var (
	errLeasesFull  = errors.New("too many take from their quotas just now")
	errLeaseFailed = errors.New("the quota could not be taken from")
)

// recall gives back what is held of a principal's, who has been refused
// elsewhere.
func (q *quotas) recall(principal string) {
	select {
	case q.inbox() <- principal:
	default: // then it goes back when it has lain idle
	}
}

func (q *quotas) inbox() chan string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.recalls == nil {
		q.recalls = make(chan string, 256)
	}
	return q.recalls
}

// run gives back what nobody uses, until ctx is done, and then everything.
func (q *quotas) run(ctx context.Context, a *App) {
	tick := time.NewTicker(leaseIdle / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			q.closing.Store(true)
			q.giveBack(context.WithoutCancel(ctx), a, func(*quota) bool { return true })
			return
		case <-tick.C:
			now := a.now()
			q.giveBack(ctx, a, func(one *quota) bool { return now.Sub(one.used) >= leaseIdle })
		case p := <-q.inbox():
			q.mu.Lock()
			one := q.of[p]
			q.mu.Unlock()
			if one != nil && one.mu.TryLock() { // taken: it is the one who asks, or in use
				if one.held > 0 {
					q.giveAll(ctx, a, map[string]int{p: one.held}, []*quota{one})
				} else {
					one.mu.Unlock()
				}
			}
		}
	}
}

func (q *quotas) giveBack(ctx context.Context, a *App, which func(*quota) bool) {
	q.mu.Lock()
	all := make(map[string]*quota, len(q.of))
	for p, one := range q.of {
		all[p] = one
	}
	q.mu.Unlock()
	// Together, and locked until then, so that nobody uses what goes.
	back, locked := map[string]int{}, []*quota{}
	give := func() {
		q.giveAll(ctx, a, back, locked)
		back, locked = map[string]int{}, nil
	}
	for p, one := range all {
		if q.closing.Load() {
			one.mu.Lock()
		} else if !one.mu.TryLock() { // it is in use
			continue
		}
		if one.held == 0 || !which(one) {
			one.mu.Unlock()
			continue
		}
		back[p] = one.held
		if locked = append(locked, one); len(locked) == leaseMost {
			give()
		}
	}
	give()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweepLocked(a.now())
}

// giveAll is called with all of them locked, and unlocks them.
func (q *quotas) giveAll(ctx context.Context, a *App, back map[string]int, locked []*quota) {
	if len(locked) == 0 {
		return
	}
	err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.GiveQuotas(ctx, back) })
	for _, one := range locked {
		// What may have gone back or not is used by nobody here: a few too few.
		if err == nil {
			one.left += one.held
		}
		one.held = 0
		one.mu.Unlock()
	}
}
