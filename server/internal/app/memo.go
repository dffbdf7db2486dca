package app

import (
	"sync/atomic"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A Memo is a place to keep what was made of the actor's account and nothing
// else. It is left behind when the account may have changed.
type Memo struct{ kept atomic.Pointer[any] }

// Load returns what was stored last, or nil.
func (m *Memo) Load() any {
	if kept := m.kept.Load(); kept != nil {
		return *kept
	}
	return nil
}

// Store keeps v.
func (m *Memo) Store(v any) { m.kept.Store(&v) }

// Memo is the actor's; nil where nothing may be kept for them.
func (a Actor) Memo() *Memo { return a.memo }

// recent is whom a token belonged to when it was last seen: one look instead of
// one for the token, the sign-in and the account each.
type recent struct {
	user hub.User
	read time.Time // the oldest of what it was made from
	seen int64     // the generation before that was looked at
	memo Memo
}

// recall is who it was, unless anything has changed since, of anybody's.
func (k *known) recall(r *recent, now time.Time) (u hub.User, m *Memo, ok bool) {
	if r == nil || r.seen != k.generation() || !k.isFresh(r.read, now) {
		return hub.User{}, nil, false
	}
	if !k.told.Load() { // then the account is asked for each time
		return r.user, nil, true
	}
	return r.user, &r.memo, true
}
