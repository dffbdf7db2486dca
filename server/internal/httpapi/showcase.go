package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/maypok86/otter/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// A showcase keeps the catalogue ready to be sent: most of what we are asked,
// and dear to make anew each time. There is one answer for each view of it (see
// app.Actor.View), so that nobody is shown what is for others. It ends at once
// when something is published, here or by another server on the same database.
// Its zero value is ready.
type showcase struct {
	once sync.Once
	kept *otter.Cache[sight, shown]
}

// A sight is who looks at what.
type sight struct{ view, target string }

type shown struct {
	answer    answer
	published int64
	made      time.Time
	life      time.Duration
}

// How long an answer is shown when nothing is published meanwhile.
const (
	courseLife = time.Hour
	searchLife = 15 * time.Minute
)

const (
	maxShown  = 32 << 20 // bytes, all forms together
	maxTarget = 256      // bytes of a URL: a search by hand is shorter
)

func (s *showcase) init() {
	s.once.Do(func() {
		s.kept = otter.Must(&otter.Options[sight, shown]{
			MaximumWeight: maxShown,
			Weigher: func(k sight, v shown) uint32 {
				return uint32(len(k.view) + len(k.target) + 1024 + 2*len(v.answer.Body)) //nolint:gosec // a body is much smaller
			},
		})
	})
}

func (s *showcase) get(of sight, published int64, lasts func(made time.Time, life time.Duration) bool) (answer, bool) {
	s.init()
	k, ok := s.kept.GetIfPresent(of)
	return k.answer, ok && k.published == published && lasts(k.made, k.life)
}

func (s *showcase) put(of sight, k shown) {
	s.init()
	s.kept.Set(of, k)
}

// public is do for a GET whose answer depends on nothing but the URL, what is
// published, and the caller's view of it.
func (h api) public(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			as, err := h.admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.show(c, f, as), true)
		}
	}
}

// sameForAll lets caches elsewhere keep an answer that everybody gets.
func sameForAll(c *gin.Context) { replyTo(c).Header()["Cache-Control"] = forAll }

// sameForGuests is that for an answer that every guest gets, unless it is none.
func sameForGuests(c *gin.Context, as app.Actor, err error) {
	if err == nil && as.User().ID == "" {
		sameForAll(c)
	}
}

// mine is do for a GET whose answer depends on nothing but the caller's account.
// No two may be: an account has one place for an answer.
func (h api) mine(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			as, err := h.admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			m := as.Memo()
			if m != nil {
				if a, ok := m.Load().(*answer); ok {
					h.write(c, *a, true)
					return
				}
			}
			a := h.ask(c, f, as)
			if m != nil && a.Status == http.StatusOK {
				a.packed = pack(a.Body, nil)
				m.Store(&a)
			}
			h.write(c, a, true)
		}
	}
}

// show is ask with the showcase in between.
func (h api) show(c *gin.Context, f handler, as app.Actor) answer {
	target := c.Request.RequestURI
	view, ok, err := as.View(c.Request.Context())
	switch {
	case err != nil:
		return h.problem(c, err)
	case !ok || target == "" || len(target) > maxTarget:
		return h.ask(c, f, as)
	}
	// Asked before the answer is made, so that one made meanwhile is not taken
	// for newer than it is.
	of, published, now := sight{view, target}, h.app.Published(), h.app.Time()
	a, ok := h.showcase.get(of, published, h.app.Lasts)
	if ok {
		return a
	}
	seen, err := as.Looking(c.Request.Context(), func(ctx context.Context) {
		before := c.Request
		c.Request = before.WithContext(ctx)
		a = h.ask(c, f, as)
		c.Request = before
	})
	switch {
	case a.Status == 0:
		return h.problem(c, err)
	case a.Status != http.StatusOK || err != nil:
		return a
	}
	of.view = seen
	var cache []string
	if as.User().Role == hub.Guest {
		cache = forAll
	}
	life := courseLife
	if c.Query("q") != "" {
		life = searchLife
	}
	a.packed = pack(a.Body, cache)
	h.showcase.put(of, shown{a, published, now, life})
	return a
}
