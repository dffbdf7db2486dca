package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

// A reply is the answer to one request on its way: what the request is called,
// who makes it, and how its head is written. Whatever writes an answer writes to
// it, so none goes without the headers that each must carry.
//
// Where the connection is one of Gather's, those headers are no entries of
// net/http's map, which copies, sorts, checks and formats each for every answer:
// that is most of what an answer out of memory costs. They are lines, mostly made
// once, that the connection puts behind the first one.
type reply struct {
	gin.ResponseWriter
	lines    *[]byte   // to be put into the head; nil where net/http writes all of it
	conn     *gathered // nil then
	id       string
	user     string // who asks; empty for guests
	secure   bool   // the peer came by TLS
	standing app.Standing
	told     bool
}

// begin makes c write to a reply.
func begin(c *gin.Context, id string, secure bool) *reply {
	r := &reply{ResponseWriter: c.Writer, id: id, secure: secure}
	if r.conn = connOf(c.Request.Context()); r.conn != nil {
		r.lines = r.conn.reserve()
	}
	c.Writer = r
	return r
}

// replyTo is what c writes to.
func replyTo(c *gin.Context) *reply { return c.Writer.(*reply) }

// requestID is the name of the request.
func requestID(c *gin.Context) string {
	if r, ok := c.Writer.(*reply); ok {
		return r.id
	}
	return ""
}

// set gives the head a header, named as net/http keeps it, instead of what it
// had. It is for values that are ours: nothing is left out of a line. Nobody
// changes the list after. It may be set once.
func (r *reply) set(name string, values []string) {
	if r.lines == nil {
		r.Header()[name] = values
		return
	}
	for _, v := range values {
		*r.lines = appendLine(*r.lines, name, v)
	}
}

// add puts lines into the head that were made before; only where there are some.
func (r *reply) add(lines []byte) { *r.lines = append(*r.lines, lines...) }

func appendLine(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// expect says how large the body is that comes next.
func (r *reply) expect(size int) {
	if r.conn != nil {
		r.conn.expect(size)
	}
}

// lastSeen is who came with the connection's last request; nil where connections
// aren't ours.
func (r *reply) lastSeen() *app.Sighting {
	if r.conn == nil {
		return nil
	}
	return &r.conn.seen
}

// tell completes the head, once.
func (r *reply) tell() {
	if r.told {
		return
	}
	r.told = true
	guards := guardsOf(r.secure)
	head := r.Header()
	if r.lines == nil || len(head[policyHeader]) > 0 {
		for _, g := range guards.list {
			if len(head[g.name]) == 0 {
				r.set(g.name, g.value)
			}
		}
	} else {
		r.add(guards.lines)
	}
	if r.lines == nil {
		head[requestIDHeader] = []string{r.id}
		r.stand(head)
		return
	}
	b := appendLine(*r.lines, requestIDHeader, r.id)
	if r.standing.Most > 0 {
		b = append(b, "Ratelimit-Policy: "...)
		b = append(appendPolicy(b, r.standing), "\r\nRatelimit: "...)
		b = append(appendStanding(b, r.standing), "\r\n"...)
	}
	*r.lines = b
	r.conn.head, r.lines = r.lines, nil // the connection's, then the next answer's
}

// stand tells how the caller stands with a limit, as draft-ietf-httpapi-
// ratelimit-headers-10 has it.
func (r *reply) stand(head http.Header) {
	if r.standing.Most == 0 {
		return
	}
	head["Ratelimit-Policy"] = []string{string(appendPolicy(nil, r.standing))}
	head["Ratelimit"] = []string{string(appendStanding(nil, r.standing))}
}

func appendPolicy(b []byte, st app.Standing) []byte {
	b = append(append(append(b, '"'), st.Policy...), `";q=`...)
	b = strconv.AppendInt(b, int64(st.Most), 10)
	return append(b, quotaSpan...)
}

func appendStanding(b []byte, st app.Standing) []byte {
	b = append(append(append(b, '"'), st.Policy...), `";r=`...)
	b = strconv.AppendInt(b, int64(st.Left), 10)
	b = append(b, ";t="...)
	return strconv.AppendInt(b, int64((st.Reset+time.Second-1)/time.Second), 10)
}

var quotaSpan = ";w=" + strconv.Itoa(int(app.QuotaSpan.Seconds()))

// WriteHeaderNow sends the head.
func (r *reply) WriteHeaderNow() {
	r.tell()
	r.ResponseWriter.WriteHeaderNow()
}

// Write sends a part of the body.
func (r *reply) Write(b []byte) (int, error) {
	r.tell()
	return r.ResponseWriter.Write(b)
}

// WriteString sends a part of the body.
func (r *reply) WriteString(s string) (int, error) {
	r.tell()
	return r.ResponseWriter.WriteString(s)
}

// Flush sends what there is.
func (r *reply) Flush() {
	r.tell()
	r.ResponseWriter.Flush()
}

// Unwrap is for http.ResponseController.
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// A guard is a header that every answer carries, for browsers, unless its
// handler has set another. The lists are shared by all answers, so nobody changes
// them; Set and Add don't.
type guard struct {
	name  string
	value []string
}

type guarding struct {
	list  []guard
	lines []byte
}

const policyHeader = "Content-Security-Policy"

var (
	plainGuards = newGuarding(
		guard{"X-Content-Type-Options", []string{"nosniff"}},
		guard{"X-Frame-Options", []string{"DENY"}},
		guard{policyHeader, []string{"default-src 'none'; frame-ancestors 'none'"}},
		guard{"Referrer-Policy", []string{"no-referrer"}},
	)
	// Only who came by TLS is asked to always do: a browser ignores it else, and
	// somebody with the hub on their own machine has none.
	secureGuards = newGuarding(append(plainGuards.list[:len(plainGuards.list):len(plainGuards.list)],
		guard{"Strict-Transport-Security", []string{"max-age=31536000"}})...)
)

func newGuarding(list ...guard) guarding {
	g := guarding{list: list}
	for _, one := range list {
		g.lines = appendLine(g.lines, one.name, one.value[0])
	}
	return g
}

func guardsOf(secure bool) *guarding {
	if secure {
		return &secureGuards
	}
	return &plainGuards
}
