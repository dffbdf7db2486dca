package httpapi

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// Origins lets the pages of these origins, such as https://app.example.com, read
// the API's answers; "*" is any. There are no cookies to go along: a page says
// who asks with a token of its own, so no answer ever allows credentials.
func Origins(list ...string) Option { return func(o *options) { o.origins = list } }

// What pages of other origins may send and read, beside what any may.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsSend    = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id"
	corsRead    = "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
	corsLife    = "600" // seconds
)

// cors tells browsers which pages may read an answer. What is answered doesn't
// depend on it: a page that may not gets what curl would, and its browser keeps
// it back.
func (h api) cors(c *gin.Context) {
	head := c.Writer.Header()
	head.Add("Vary", "Origin")
	origin := c.GetHeader("Origin")
	if origin == "" || !h.letIn(origin) {
		return
	}
	head.Set("Access-Control-Allow-Origin", origin)
	if slices.Contains(h.origins, "*") {
		head.Set("Access-Control-Allow-Origin", "*")
	}
	if c.Request.Method == http.MethodOptions && c.GetHeader("Access-Control-Request-Method") != "" {
		head.Set("Access-Control-Allow-Methods", corsMethods)
		head.Set("Access-Control-Allow-Headers", corsSend)
		head.Set("Access-Control-Max-Age", corsLife)
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	head.Set("Access-Control-Expose-Headers", corsRead)
}

func (h api) letIn(origin string) bool {
	return slices.Contains(h.origins, "*") || slices.Contains(h.origins, origin)
}
