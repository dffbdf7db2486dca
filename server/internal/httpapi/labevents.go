package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
)

const (
	heartbeat  = 15 * time.Second // of silence, after which a comment shows that somebody is there
	recheck    = time.Second      // how soon a stream notices that its reader's sign-in has ended
	streamPace = 30 * time.Second // a reader that takes nothing for so long is gone
)

// labEvents answers GET /v1/labs/{lab}/events with server-sent events: it lasts
// as long as the session and its reader's sign-in do.
func (h api) labEvents(op access.Operation) gin.HandlerFunc {
	return func(c *gin.Context) { h.streamEvents(c, op) }
}

func (h api) streamEvents(c *gin.Context, op access.Operation) {
	ctx := c.Request.Context()
	as, err := h.admit(c, op)
	after := int64(0)
	if last := c.GetHeader("Last-Event-ID"); err == nil && last != "" {
		if after, err = strconv.ParseInt(last, 10, 64); err != nil || after < 0 {
			err = hub.Errorf(hub.Invalid, "Last-Event-ID is the id of an event of the session.")
		}
	}
	if err != nil {
		h.write(c, h.problem(c, err), false)
		return
	}
	s, err := as.OpenLabEvents(ctx, c.Param("lab"), after)
	if err != nil {
		h.write(c, h.problem(c, err), false)
		return
	}
	defer s.Close()
	if s.Over() { // and this keeps a browser from asking again
		h.write(c, answer{Status: http.StatusNoContent}, false)
		return
	}
	head := c.Writer.Header()
	head.Add("Vary", "Authorization")
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	c.Status(http.StatusOK)
	out := eventWriter{c, http.NewResponseController(c.Writer)}
	said := time.Now()
	for err = out.write("retry: 1000\n\n"); err == nil; {
		var events []hub.LabEvent
		if events, err = s.Next(ctx, recheck); err != nil {
			return
		}
		for _, e := range events {
			if err = out.event(e); err != nil {
				return
			}
			said = time.Now()
		}
		if _, gone := h.callerOf(c); hub.CodeOf(gone) == hub.Unauthenticated {
			return
		}
		if time.Since(said) >= heartbeat {
			err = out.write(": still here\n\n")
			said = time.Now()
		}
	}
}

// An eventWriter sends each event at once.
type eventWriter struct {
	c    *gin.Context
	ctrl *http.ResponseController
}

func (w eventWriter) event(e hub.LabEvent) error {
	data, err := json.Marshal(e) // on one line
	if err != nil {
		return err
	}
	return w.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data))
}

func (w eventWriter) write(s string) error {
	_ = w.ctrl.SetWriteDeadline(time.Now().Add(streamPace)) // the server's own is for answers that end
	if _, err := io.WriteString(w.c.Writer, s); err != nil {
		return err
	}
	return w.ctrl.Flush()
}
