package httpapi

import (
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// maxUploads is how many archives are taken in at once: each takes a file of
// its size, and several times that in memory.
const maxUploads = 4

// uploads are the accounts whose archives are being taken in, one each.
type uploads struct {
	mu sync.Mutex
	of map[string]bool
}

// uploadKey is what a request that has its place is known by.
const uploadKey = "upload"

// begin takes a place for the archive of a request, unless it has one, until it
// is called off.
func (u *uploads) begin(c *gin.Context, as app.Actor) (off func(), err error) {
	if c.GetBool(uploadKey) {
		return func() {}, nil
	}
	id := as.User().ID
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.of[id]:
		return nil, tooManyUploads("Another archive of yours is being taken in. Please send this one once it is.")
	case len(u.of) >= maxUploads:
		return nil, tooManyUploads("The server is taking in as many archives as it can. Please try again in a moment.")
	}
	u.of[id] = true
	c.Set(uploadKey, true)
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.of, id)
	}, nil
}

func tooManyUploads(why string) error {
	return &hub.Error{Code: hub.Unavailable, Message: why, RetryAfter: 5 * time.Second}
}
