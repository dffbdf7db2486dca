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
	Language    string // of what people read in it; empty where it doesn't depend on who asks
	Body        []byte

	passing bool    // asking again may get a better one
	packed  *packed // nil unless the body is sent again and again
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

	// forGood is for what never changes under its address.
	forGood = []string{"public, max-age=31536000, immutable"}
)

var (
	varies       = []string{"Authorization"}
	variesCoding = []string{"Authorization", "Accept-Encoding"}
)

// write sends an answer. It names headers as net/http keeps them, and gives it
// lists that are shared: this is done for every request.
func (h api) write(c *gin.Context, a answer, mayCompress bool) {
	r, asked := replyTo(c), c.Request.Header
	head := r.Header()
	if a.Link != "" {
		head.Set("Link", a.Link)
	}
	if a.Location != "" {
		head.Set("Location", a.Location)
	}
	if a.Language != "" {
		head.Set("Content-Language", a.Language)
		head.Add("Vary", "Accept-Language")
	}
	if a.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	if a.Status == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", `Bearer realm="cmh"`)
	}
	as := plain
	if mayCompress && len(a.Body) >= minCompress {
		as = codingOf(first(asked["Accept-Encoding"]))
	}
	kept := c.Request.Method == http.MethodGet && a.Status == http.StatusOK
	var tag string
	if kept {
		tag = a.describe(r, as, mayCompress)
	} else {
		vary(r, mayCompress)
	}
	switch {
	case a.Status == http.StatusNoContent:
		c.Status(a.Status)
		return
	case kept && matches(first(asked["If-None-Match"]), tag):
		c.Status(http.StatusNotModified)
		return
	}
	if a.ContentType == jsonType {
		head["Content-Type"] = jsonTypes
	} else {
		head["Content-Type"] = []string{a.ContentType}
	}
	if as != plain {
		r.set("Content-Encoding", codingNames[as])
	}
	body, length := a.form(as)
	head["Content-Length"] = length
	c.Status(a.Status)
	r.expect(len(body))
	_, _ = r.Write(body) // the peer may be gone, and nobody is left to tell
}

// describe tells caches about an answer that they may keep, and returns its tag.
func (a answer) describe(r *reply, as coding, mayCompress bool) string {
	own := r.Header()["Cache-Control"] != nil
	if p := a.packed; p != nil && !own && mayCompress && r.lines != nil {
		r.add(p.lines[as])
		return p.tag[as][0]
	}
	vary(r, mayCompress)
	tag := a.tag(as)
	r.set("Etag", tag)
	switch {
	case own:
	case a.packed != nil:
		r.set("Cache-Control", a.packed.cache)
	default:
		r.set("Cache-Control", forOne)
	}
	return tag[0]
}

// vary says what an answer depends on, beside what was said before.
func vary(r *reply, mayCompress bool) {
	on := varies
	if mayCompress {
		on = variesCoding
	}
	if before := r.Header()["Vary"]; before != nil && r.lines == nil {
		on = append(before[:len(before):len(before)], on...)
	}
	r.set("Vary", on)
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
