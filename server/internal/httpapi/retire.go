package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// retiring are the operations that will go, as docs/api.md promises: named here
// and deprecated in the document six months before, at least. None is at present.
var retiring = map[string]retirement{}

// A retirement is announced by every answer of the operation (RFC 9745, RFC
// 8594).
type retirement struct {
	Since   time.Time // from when on it is deprecated
	Until   time.Time // it goes then, and not earlier
	Instead string    // the address of what to read about it
}

func (r retirement) announce(c *gin.Context) {
	head := c.Writer.Header()
	head.Set("Deprecation", "@"+strconv.FormatInt(r.Since.Unix(), 10))
	head.Set("Sunset", r.Until.UTC().Format(http.TimeFormat))
	head.Add("Link", "<"+r.Instead+`>; rel="deprecation"`)
}
