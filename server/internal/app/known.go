package app

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	// How old what is known may get: while every change is told, and when the
	// connection that tells is lost. Nothing that has ended lives on for longer
	// than the latter plus the seconds in which the loss is noticed.
	freshTold = 30 * time.Second
	freshDeaf = time.Second

	imagesLook = 10 * time.Second

	keptEach = 20_000
)

// known is what this process remembers about who may do what, so that it needn't
// ask the database for each request. Its zero value is ready.
type known struct {
	once     sync.Once
	users    *otter.Cache[string, knownUser]    // by id
	sessions *otter.Cache[string, knownSession] // by family
	keys     *otter.Cache[[32]byte, *knownKey]  // by hash
	taking   *otter.Cache[string, takes]        // by user
	prefs    *otter.Cache[string, knownPreferences]
	told     atomic.Bool  // whether changes are heard of
	heard    atomic.Int64 // how many changes were
}

type knownUser struct {
	user hub.User
	read time.Time
}

type knownSession struct {
	userID string
	read   time.Time
}

type knownKey struct {
	caller  Caller
	expires time.Time
	read    time.Time
	last    atomic.Pointer[recent]
}

func (k *known) init() {
	k.once.Do(func() {
		k.users = otter.Must(&otter.Options[string, knownUser]{MaximumSize: keptEach})
		k.sessions = otter.Must(&otter.Options[string, knownSession]{MaximumSize: keptEach})
		k.keys = otter.Must(&otter.Options[[32]byte, *knownKey]{MaximumSize: keptEach})
		k.taking = otter.Must(&otter.Options[string, takes]{MaximumSize: keptEach})
		k.prefs = otter.Must(&otter.Options[string, knownPreferences]{
			MaximumWeight: keptPreferences,
			Weigher:       func(_ string, e knownPreferences) uint32 { return uint32(256 + 4*e.size) }, //nolint:gosec // it is small
		})
	})
}

// generation is to be asked for before the database is: what was read while
// something changed is not kept.
func (k *known) generation() int64 { return k.heard.Load() }

// changing runs forget, which drops what is known. The generation is another one
// before, for what is being read from the database, and one more after, for what
// is being made of what was known until then.
func (k *known) changing(forget func()) {
	k.init()
	k.heard.Add(1)
	forget()
	k.heard.Add(1)
}

func (k *known) isFresh(read, now time.Time) bool { return k.lasts(read, now, freshTold) }

// lasts reports whether what was read at some time is good still: for life, while
// every change of it is told.
func (k *known) lasts(read, now time.Time, life time.Duration) bool {
	if !k.told.Load() {
		life = min(life, freshDeaf)
	}
	age := now.Sub(read)
	return age >= 0 && age < life
}

// user is the account with that id.
func (k *known) user(id string, now time.Time) (hub.User, bool) {
	u, ok := k.userSince(id, now)
	return u.user, ok
}

func (k *known) userSince(id string, now time.Time) (knownUser, bool) {
	k.init()
	u, ok := k.users.GetIfPresent(id)
	return u, ok && k.isFresh(u.read, now)
}

// session is whose sign-in it is, and since when that is known.
func (k *known) session(family, userID string, now time.Time) (u hub.User, read time.Time, ok bool) {
	k.init()
	s, ok := k.sessions.GetIfPresent(family)
	if !ok || s.userID != userID || !k.isFresh(s.read, now) {
		return hub.User{}, read, false
	}
	of, ok := k.userSince(userID, now)
	return of.user, older(s.read, of.read), ok
}

func older(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (k *known) keepSession(family string, u hub.User, now time.Time, seen int64) {
	k.init()
	k.users.Set(u.ID, knownUser{u, now})
	k.sessions.Set(family, knownSession{u.ID, now})
	if k.generation() != seen {
		k.changing(func() {
			k.users.Invalidate(u.ID)
			k.sessions.Invalidate(family)
		})
	}
}

func (k *known) key(hash [32]byte, now time.Time) (Caller, bool) {
	k.init()
	e, ok := k.keys.GetIfPresent(hash)
	if !ok || !now.Before(e.expires) || !k.isFresh(e.read, now) {
		return Caller{}, false
	}
	if u, m, ok := k.recall(e.last.Load(), now); ok {
		return Caller{User: u, Scopes: e.caller.Scopes, memo: m}, true
	}
	seen := k.generation()
	u, ok := k.userSince(e.caller.User.ID, now)
	if !ok {
		return Caller{}, false
	}
	e.last.Store(&recent{user: u.user, read: older(e.read, u.read), seen: seen})
	return Caller{User: u.user, Scopes: e.caller.Scopes}, true
}

func (k *known) keepKey(hash [32]byte, e *knownKey, seen int64) {
	k.init()
	k.users.Set(e.caller.User.ID, knownUser{e.caller.User, e.read})
	k.keys.Set(hash, e)
	if k.generation() != seen {
		k.changing(func() {
			k.users.Invalidate(e.caller.User.ID)
			k.keys.Invalidate(hash)
		})
	}
}

// takes is which courses somebody takes.
func (k *known) takes(userID string, now time.Time) (takes, bool) {
	k.init()
	t, ok := k.taking.GetIfPresent(userID)
	return t, ok && k.isFresh(t.read, now)
}

func (k *known) keepTakes(userID string, t takes, seen int64) {
	k.init()
	k.taking.Set(userID, t)
	if k.generation() != seen {
		k.taking.Invalidate(userID)
	}
}

// forgetTakes is also for whoever has just enrolled somebody: word of it may
// come later than their next request.
func (k *known) forgetTakes(userID string) {
	k.changing(func() { k.taking.Invalidate(userID) })
}

func (k *known) forgetUser(id string) {
	k.changing(func() {
		k.users.Invalidate(id)
		k.prefs.Invalidate(id)
	})
}

func (k *known) forgetSession(family string) {
	k.changing(func() { k.sessions.Invalidate(family) })
}

func (k *known) forgetKeys() {
	k.changing(func() { k.keys.InvalidateAll() })
}

func (k *known) forgetAll() {
	k.changing(func() {
		k.keys.InvalidateAll()
		k.users.InvalidateAll()
		k.sessions.InvalidateAll()
		k.taking.InvalidateAll()
		k.prefs.InvalidateAll()
	})
}

// Watch hears what other servers on the same database change, until ctx is
// done, and gives back what was taken of quotas and not used. Without it, what is
// known is asked for anew every second.
func (a *App) Watch(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { a.quotas.run(ctx, a) })
	if state := a.Labs.InstalledState; state != nil {
		last := state() // before anything is kept for long
		beside.Go(func() { a.watchImages(ctx, last) })
	}
	defer beside.Wait()
	return a.DB.Watch(ctx, ears{a})
}

// watchImages looks for images of labs that were installed or removed beside this
// process: courses say which of their labs can be started here.
func (a *App) watchImages(ctx context.Context, last string) {
	tick := time.NewTicker(imagesLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if state := a.Labs.InstalledState(); state != last {
			last = state
			a.published.Add(1)
		}
	}
}

// Watching reports whether it does hear.
func (a *App) Watching() bool { return a.known.told.Load() }

// ears keeps what an App remembers true.
type ears struct{ *App }

// Listening says whether changes are heard of.
func (e ears) Listening(on bool) {
	if on { // nobody knows what happened meanwhile; what is made from here on is told of
		e.known.forgetAll()
		e.published.Add(1)
	}
	e.known.told.Store(on)
}

// Changed forgets what has changed.
func (e ears) Changed(kind, id string) {
	switch kind {
	case "user":
		e.known.forgetUser(id)
	case "session":
		e.known.forgetSession(id)
	case "key":
		var hash [32]byte
		if n, err := hex.Decode(hash[:], []byte(id)); err != nil || n != len(hash) {
			return
		}
		e.known.changing(func() { e.known.keys.Invalidate(hash) })
	case "enrolled":
		e.known.forgetTakes(id)
	case "quota":
		e.quotas.recall(id)
	case "courses":
		e.published.Add(1)
	}
}
