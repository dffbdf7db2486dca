package httpapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// A showcase keeps ready what everybody sees who isn't signed in: most of what
// a catalogue is asked, and dear to make anew each time. What this server
// publishes is seen at once; what another one on the same database publishes,
// when an answer has served its time.
type showcase struct {
	mu   sync.Mutex
	kept map[string]shown
}

type shown struct {
	answer    answer
	published int64
	until     time.Time
}

const (
	shownFor  = time.Second
	maxShown  = 64
	maxTarget = 256 // bytes of a URL: a search by hand is shorter
)

func (s *showcase) get(key string, published int64, now time.Time) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[key]
	return k.answer, ok && k.published == published && now.Before(k.until)
}

func (s *showcase) put(key string, k shown) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || len(s.kept) >= maxShown {
		s.kept = map[string]shown{}
	}
	s.kept[key] = k
}

// packed is an answer's body in the forms it is sent in.
type packed struct {
	tag  string
	gzip []byte
}

// public is do for a GET whose answer depends, for guests, on nothing but the
// URL and what is published.
func (h api) public(f handler) route {
	return func(op access.Operation) gin.HandlerFunc { return h.shown(op, f) }
}

func (h api) shown(op access.Operation, f handler) gin.HandlerFunc {
	each := h.do(f)(op)
	if op.Check(hub.Guest, nil) != nil {
		return each
	}
	return func(c *gin.Context) {
		target := c.Request.URL.RequestURI()
		if c.GetHeader("Authorization") != "" || len(target) > maxTarget {
			each(c)
			return
		}
		as := h.app.As(app.Guest).From(c.ClientIP())
		st, err := as.Spend(c.Request.Context())
		stand(c, st)
		if err != nil {
			h.write(c, h.problem(c, err), false)
			return
		}
		// Asked before the answer is made, so that one made meanwhile is not
		// taken for newer than it is.
		published, now := h.app.Published(), time.Now()
		a, ok := h.showcase.get(target, published, now)
		if !ok {
			a = h.ask(c, f, as)
			if a.Status == http.StatusOK {
				a.packed = &packed{tag: etag(a.Body)}
				if len(a.Body) >= minCompress {
					a.packed.gzip = compress(a.Body)
				}
				h.showcase.put(target, shown{a, published, now.Add(shownFor)})
			}
		}
		h.write(c, a, true)
	}
}
