package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

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

	passing bool     // asking again may get a better one
	packed  *packed  // nil unless the body was sent before
	cache   []string // Cache-Control of a GET; nil means forOne
}

// A manner is what is particular about the answers of a route.
type manner int

const (
	usual    manner = iota // may be compressed, and kept for an Idempotency-Key
	upload                 // usual, to a body that is too large for memory
	secret                 // told once: of it is only kept that it was
	unstored               // holds secrets, and may be asked for again: nothing is kept
	signIn                 // unstored, for whoever isn't signed in yet: tokens aren't looked at
)

func (m manner) hidesFromCaches() bool { return m >= secret }

// do finds out who asks, calls f and writes the answer. It is the only place
// that writes one or maps an error to a status. Without a manner, it is usual.
func (h api) do(f handler, how ...manner) route {
	m := append(how, usual)[0]
	return func(op access.Operation) gin.HandlerFunc {
		return func(c *gin.Context) {
			if m.hidesFromCaches() {
				c.Header("Cache-Control", "no-store")
			}
			admit := h.admit
			if m == signIn {
				admit = h.admitStranger
			}
			as, err := admit(c, op)
			if err != nil {
				h.write(c, h.problem(c, err), false)
				return
			}
			h.write(c, h.onceOnly(c, f, as, m), !m.hidesFromCaches())
		}
	}
}

// ask calls f for a caller and makes an answer of what it returns.
func (h api) ask(c *gin.Context, f handler, as app.Actor) answer {
	body, err := f(c, as)
	if err != nil {
		return h.problem(c, err)
	}
	a := answer{Status: http.StatusOK, ContentType: jsonType}
	switch b := body.(type) {
	case nil:
		return answer{Status: http.StatusNoContent}
	case created:
		a.Status, body = http.StatusCreated, b.body
	case drawn:
		return b.answer()
	case asset:
		return b.answer()
	case redirect:
		return b.answer()
	case graphed:
		return b.answer
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

// How long an answer may be kept elsewhere. What a cache of somebody else's
// holds can't be taken back when something is published, so that is five
// minutes at most; what we keep ourselves ends at once.
var (
	forAll = []string{"public, max-age=300"}
	forOne = []string{"private, no-cache"}
)

var (
	varies       = []string{"Authorization"}
	variesCoding = []string{"Authorization", "Accept-Encoding"}
)

// write sends an answer. It names headers as net/http keeps them, and gives it
// lists that are shared: this is done for every request.
func (h api) write(c *gin.Context, a answer, mayCompress bool) {
	head, asked := c.Writer.Header(), c.Request.Header
	vary := varies
	if mayCompress {
		vary = variesCoding
	}
	if before := head["Vary"]; before != nil {
		vary = append(before[:len(before):len(before)], vary...)
	}
	head["Vary"] = vary
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
	as := plain
	if mayCompress && len(a.Body) >= minCompress {
		as = codingOf(first(asked["Accept-Encoding"]))
	}
	if c.Request.Method == http.MethodGet && a.Status == http.StatusOK {
		tag := a.tag(as)
		head["Etag"] = tag
		if head["Cache-Control"] == nil {
			head["Cache-Control"] = forOne
			if a.cache != nil {
				head["Cache-Control"] = a.cache
			}
		}
		if matches(first(asked["If-None-Match"]), tag[0]) {
			c.Status(http.StatusNotModified)
			return
		}
	}
	if a.ContentType == jsonType {
		head["Content-Type"] = jsonTypes
	} else {
		head["Content-Type"] = []string{a.ContentType}
	}
	if as != plain {
		head["Content-Encoding"] = codingNames[as]
	}
	body, length := a.form(as)
	head["Content-Length"] = length
	c.Status(a.Status)
	expectBody(c.Request.Context(), len(body))
	_, _ = c.Writer.Write(body) // the peer may be gone, and nobody is left to tell
}

const jsonType = "application/json; charset=utf-8"

var jsonTypes = []string{jsonType}

// first is the value of a header, or nothing.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (a answer) tag(as coding) []string {
	if a.packed != nil {
		return a.packed.tag[as]
	}
	return []string{etag(a.Body, as)}
}

func (a answer) form(as coding) (body []byte, length []string) {
	if a.packed != nil {
		return a.packed.form(as)
	}
	body = a.Body
	if as != plain {
		body = compressTo(as, body, false)
	}
	return body, []string{strconv.Itoa(len(body))}
}
