package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// created is an answer with status 201.
type created struct{ body any }

// document is an answer that is not JSON.
type document struct {
	contentType string
	body        []byte
}

// listing is one page of a list: a bare array and a Link.
type listing struct {
	items any
	next  string
}

// page makes an answer of one page.
func page[T any](p hub.Page[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return listing{array(p.Items), p.Next}, nil
}

// array makes an answer of a whole list, which is never null.
func array[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// answer is a response before it is written: what an Idempotency-Key keeps.
type answer struct {
	Status      int
	ContentType string
	Link        string
	RetryAfter  int // seconds
	Location    string
	Body        []byte

	packed *packed // nil unless the body was sent before
}

// do finds out who asks, calls f and writes the answer. It is the only place
// that writes one or maps an error to a status.
func (h api) do(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			as, err := h.admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.onceOnly(c, f, as, false), true)
		}
	}
}

// secret is unstored for what must not happen twice: a repeated Idempotency-Key
// is told that it has, and not what the answer was.
func (h api) secret(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			c.Header("Cache-Control", "no-store")
			as, err := h.admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.onceOnly(c, f, as, true), false)
		}
	}
}

// unstored is do for answers that hold secrets.
func (h api) unstored(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			c.Header("Cache-Control", "no-store")
			as, err := h.admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.ask(c, f, as), false)
		}
	}
}

// signIn is unstored for those who are not signed in yet, or whose token has
// run out: it does not look at it.
func (h api) signIn(f handler) route {
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			c.Header("Cache-Control", "no-store")
			as := h.app.As(app.Guest).From(c.ClientIP())
			st, err := as.SpendSignIn(c.Request.Context())
			stand(c, st)
			if err == nil {
				err = as.May(op)
			}
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.ask(c, f, as), false)
		}
	}
}

// ask calls f for a caller and makes an answer of what it returns.
func (h api) ask(c *gin.Context, f handler, as app.Actor) answer {
	body, err := f(c, as)
	if err != nil {
		return h.problem(c, err)
	}
	a := answer{Status: http.StatusOK, ContentType: "application/json; charset=utf-8"}
	switch b := body.(type) {
	case nil:
		return answer{Status: http.StatusNoContent}
	case created:
		a.Status, body = http.StatusCreated, b.body
	case drawn:
		return b.answer()
	case redirect:
		return b.answer()
	case document:
		a.ContentType, a.Body = b.contentType, b.body
		return a
	case listing:
		body = b.items
		if b.next != "" {
			a.Link = nextLink(c, b.next)
		}
	}
	if a.Body, err = json.Marshal(body); err != nil {
		return h.problem(c, fmt.Errorf("encode the answer: %w", err))
	}
	return a
}

func nextLink(c *gin.Context, cursor string) string {
	u := *c.Request.URL
	q := u.Query()
	q.Set("cursor", cursor)
	u.RawQuery = q.Encode()
	return `<` + u.RequestURI() + `>; rel="next"`
}

func (h api) write(c *gin.Context, a answer, mayCompress bool) {
	head := c.Writer.Header()
	head.Add("Vary", "Authorization")
	if a.Link != "" {
		head.Set("Link", a.Link)
	}
	if a.Location != "" {
		head.Set("Location", a.Location)
	}
	if a.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	if a.Status == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", `Bearer realm="cmh"`)
	}
	if a.Status == http.StatusNoContent {
		c.Status(a.Status)
		return
	}
	if c.Request.Method == http.MethodGet && a.Status == http.StatusOK {
		tag := a.tag()
		head.Set("Cache-Control", "private, no-cache")
		head.Set("ETag", tag)
		if matches(c.GetHeader("If-None-Match"), tag) {
			c.Status(http.StatusNotModified)
			return
		}
	}
	head.Set("Content-Type", a.ContentType)
	if mayCompress && len(a.Body) >= minCompress {
		head.Add("Vary", "Accept-Encoding")
		if acceptsGzip(c.GetHeader("Accept-Encoding")) {
			head.Set("Content-Encoding", "gzip")
			a.Body = a.compressed()
		}
	}
	head.Set("Content-Length", strconv.Itoa(len(a.Body)))
	c.Status(a.Status)
	_, _ = c.Writer.Write(a.Body) // the peer may be gone, and nobody is left to tell
}

// minCompress is the size of a body from which compressing pays.
const minCompress = 1024

func (a answer) tag() string {
	if a.packed != nil {
		return a.packed.tag
	}
	return etag(a.Body)
}

func (a answer) compressed() []byte {
	if a.packed != nil {
		return a.packed.gzip
	}
	return compress(a.Body)
}

// etag names a body. It is weak, because compression changes the bytes.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

func matches(header, tag string) bool {
	for want := range strings.SplitSeq(header, ",") {
		want = strings.TrimSpace(want)
		if want == "*" || strings.TrimPrefix(want, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}

var gzips = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzips.Get().(*gzip.Writer)
	defer gzips.Put(z)
	z.Reset(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
