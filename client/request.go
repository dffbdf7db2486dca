package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	tries   = 4
	maxWait = 15 * time.Second // a longer Retry-After is the caller's to wait for
)

var errTooLarge = errors.New("the answer is too large")

// call is one request.
type call struct {
	method string
	path   []string // segments below the base, escaped here
	query  url.Values
	body   any // encoded as JSON, unless it is a stream
	out    any // decoded from JSON; nil when there is no body to read

	stream      io.Reader // sent as it is, once
	contentType string    // of stream

	guest  bool   // send no token
	key    string // Idempotency-Key
	repeat bool   // a POST that may be repeated without a key
	graph  bool   // a refusal may be an answer of GraphQL
	fresh  bool   // what is kept is no use

	head   http.Header // beside what every request has
	bytes  []byte      // sent as they are, of the Content-Type in head
	answer *Answer     // becomes what has come, a refusal as well

	sent *atomic.Bool // a try may have arrived
}

// get, put, post and remove ask for one thing. They are functions because
// methods have no type parameters. path is cut at its slashes, so a segment
// that may hold one goes through seg.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	return got(&out, c.fill(ctx, &out, http.MethodGet, path, query, nil))
}

func put[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	var out T
	return got(&out, c.fill(ctx, &out, http.MethodPut, path, nil, body))
}

// post carries a fresh Idempotency-Key, so that it may be repeated when the
// answer was lost.
func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	var out T
	return got(&out, c.fill(ctx, &out, http.MethodPost, path, nil, body))
}

// fill has out decoded from the answer. Whatever needs no type parameter is here,
// once for all of them.
func (c *Client) fill(ctx context.Context, out any, method, path string, query url.Values, body any) error {
	r := call{method: method, path: cut(path), query: query, body: body, out: out}
	if method == http.MethodPost {
		r.key = rand.Text()
	}
	_, err := c.do(ctx, r)
	return err
}

// got is nothing where there was an error, whatever was decoded until then.
func got[T any](out *T, err error) (T, error) {
	if err != nil {
		return *new(T), err
	}
	return *out, nil
}

func remove(ctx context.Context, c *Client, path string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: cut(path)})
	return err
}

func ask[T any](ctx context.Context, c *Client, r call) (T, error) {
	var out T
	r.out = &out
	_, err := c.do(ctx, r)
	return got(&out, err)
}

// list asks for one page.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, p hub.Paging) (hub.Page[T], error) {
	var page hub.Page[T]
	next, err := c.fillPage(ctx, &page.Items, path, query, p)
	page.Next = next
	return page, err
}

// fillPage is fill for a page, and returns the cursor of the next one.
func (c *Client) fillPage(ctx context.Context, out any, path string, query url.Values, p hub.Paging) (next string, err error) {
	if query == nil {
		query = url.Values{}
	}
	if p.Limit != 0 {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Cursor != "" {
		query.Set("cursor", p.Cursor)
	}
	resp, err := c.do(ctx, call{method: http.MethodGet, path: cut(path), query: query, out: out})
	if err != nil {
		return "", err
	}
	return nextCursor(resp.Header().Get("Link")), nil
}

// seg makes any text one segment of a path.
func seg(s string) string {
	switch s {
	case "", ".", "..": // these would name another resource
		return "%2D" // "-" names nothing we have
	}
	return url.PathEscape(s)
}

func cut(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// nextCursor reads the cursor out of a Link header.
func nextCursor(link string) string {
	for part := range strings.SplitSeq(link, ",") {
		target, params, ok := strings.Cut(strings.TrimSpace(part), ">")
		if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(params, `rel="next"`) {
			continue
		}
		if u, err := url.Parse(target[1:]); err == nil {
			return u.Query().Get("cursor")
		}
	}
	return ""
}

// do makes a request, refreshes the token once when it has run out, and waits
// politely where the server asks for patience and repeating is safe.
func (c *Client) do(ctx context.Context, r call) (*resty.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	token := ""
	if !r.guest {
		var err error
		if token, err = c.bearer(ctx); err != nil {
			return nil, err
		}
	}
	renewed := false
	r.sent = &atomic.Bool{}
	for try := 1; ; try++ {
		resp, err := c.once(ctx, r, token)
		switch {
		case err == nil:
			return resp, nil
		case hub.CodeOf(err) == hub.Unauthenticated && token != "" && !renewed && r.stream == nil:
			next, renewErr := c.renew(ctx, token)
			if renewErr != nil && try > 1 {
				return nil, errors.Join(renewErr, errSent)
			}
			if renewErr != nil {
				return nil, renewErr
			}
			if next == "" {
				c.over(r, token, err)
				return nil, err
			}
			token, renewed = next, true
			continue
		case try == tries || !r.repeatable():
			return nil, err
		}
		pause, ok := patience(err, try)
		if !ok {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (r call) repeatable() bool {
	return r.stream == nil && (r.method != http.MethodPost && r.method != http.MethodPatch || r.key != "" || r.repeat)
}

// patience says how long to wait before asking again, with jitter so that
// clients that were refused together do not return together.
func patience(err error, try int) (time.Duration, bool) {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Place > 0 || // the caller may want to say how the queue moves
		(e.Code != hub.Limit && e.Code != hub.Unavailable) || e.RetryAfter > maxWait {
		return 0, false
	}
	d := e.RetryAfter
	if lost(e.Err) {
		d = 200 * time.Millisecond
	}
	if d <= 0 {
		return 0, false
	}
	d = min(d*time.Duration(try), maxWait)
	return d + mathrand.N(d/4+1), true
}

// lost reports whether the connection broke after the request had left. A
// server that cannot be reached at all is reported at once, and so is one that
// does not answer in time.
func lost(err error) bool {
	u, ok := errors.AsType[*url.Error](err)
	if !ok || u.Timeout() {
		return false
	}
	op, dial := errors.AsType[*net.OpError](err)
	return (!dial || op.Op != "dial") && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || dial)
}

func (c *Client) once(ctx context.Context, r call, token string) (*resty.Response, error) {
	if r.answer != nil {
		*r.answer = Answer{} // an earlier try's is none
	}
	kept, known := c.keptFor(r, token)
	if c.away {
		return c.fromKept(r, kept, known)
	}
	// The transport makes tries of its own, so it is asked what has left.
	trace := &httptrace.ClientTrace{WroteHeaders: func() { r.sent.Store(true) }}
	if c.connected != nil {
		c.time(trace)
	}
	req := c.http.R().SetContext(httptrace.WithClientTrace(ctx, trace))
	if known && kept.ETag != "" {
		req.SetHeader("If-None-Match", kept.ETag)
	}
	for name, values := range r.head {
		req.Header[name] = values
	}
	if token != "" {
		req.SetAuthToken(token)
	}
	if r.key != "" {
		req.SetHeader("Idempotency-Key", r.key)
	}
	if r.query != nil {
		req.SetQueryParamsFromValues(r.query)
	}
	switch {
	case r.stream != nil:
		req.SetHeader("Content-Type", r.contentType).SetBody(r.stream)
	case r.bytes != nil:
		req.SetBody(r.bytes)
	case r.body != nil:
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, hub.Wrap(err, hub.Invalid, "That cannot be sent.")
		}
		req.SetHeader("Content-Type", "application/json").SetBody(b)
	}
	resp, err := req.Execute(r.method, c.BaseURL()+"/"+strings.Join(r.path, "/"))
	if r.answer != nil && err == nil {
		*r.answer = answered(resp)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errTooLarge):
		return nil, notUnderstood(resp, err)
	case err != nil:
		if r.sent.Load() {
			err = errors.Join(err, errSent)
		}
		return nil, hub.Wrap(err, hub.Unavailable, "Could not reach CloudMastersHub at %s.", c.BaseURL())
	case known && resp.StatusCode() == http.StatusNotModified:
		return c.unchanged(ctx, r, token, kept, resp.Header().Get("Link"))
	case r.answer != nil && resp.StatusCode() == http.StatusNotModified:
		return resp, nil
	case !resp.IsSuccess() && (!r.graph || !isJSON(resp, "application/json")):
		err := problemOf(resp)
		c.refused(r, token, err)
		return nil, err
	case r.out == nil || resp.StatusCode() == http.StatusNoContent:
		return resp, nil
	case !isJSON(resp, "application/json"):
		return nil, notUnderstood(resp, errors.New("the answer is not JSON"))
	}
	if err := json.Unmarshal(resp.Body(), r.out); err != nil {
		return nil, notUnderstood(resp, err)
	}
	c.keep(r, token, resp)
	return resp, nil
}

// time tells how long connections take.
func (c *Client) time(trace *httptrace.ClientTrace) {
	var (
		begun = time.Now()
		asked atomic.Int64 // after begun
	)
	trace.GetConn = func(string) { asked.Store(int64(time.Since(begun))) }
	trace.ConnectDone = func(_, _ string, err error) {
		if err == nil {
			c.connected(time.Since(begun) - time.Duration(asked.Load()))
		}
	}
}

func isJSON(resp *resty.Response, want string) bool {
	got, _, err := mime.ParseMediaType(resp.Header().Get("Content-Type"))
	return err == nil && got == want
}

// problem is the part of RFC 9457 that a caller acts on.
type problem struct {
	Code      hub.Code         `json:"code"`
	Detail    string           `json:"detail"`
	RequestID string           `json:"request_id"`
	Errors    []hub.FieldError `json:"errors"`
	Place     int              `json:"place"`
}

// codes is what a status means when a proxy answered in the server's place.
var codes = map[int]hub.Code{
	400: hub.Invalid, 413: hub.Invalid, 422: hub.Invalid, 401: hub.Unauthenticated, 403: hub.Forbidden, 404: hub.NotFound,
	409: hub.Conflict, 429: hub.Limit, 502: hub.Unavailable, 503: hub.Unavailable, 504: hub.Unavailable,
}

func problemOf(resp *resty.Response) error {
	return refusal(resp.StatusCode(), resp.Header(), resp.Body())
}

// refusal is what an answer that is no success says.
func refusal(status int, head http.Header, body []byte) error {
	var p problem
	later := retryAfter(head.Get("Retry-After"))
	kind, _, err := mime.ParseMediaType(head.Get("Content-Type"))
	if err == nil && kind == "application/problem+json" && json.Unmarshal(body, &p) == nil && known(p.Code) && p.Detail != "" {
		return &hub.Error{
			Code: p.Code, Message: short(p.Detail, 2000), Fields: p.Errors[:min(len(p.Errors), 100)],
			RequestID: short(p.RequestID, 100), RetryAfter: later, Place: max(0, p.Place),
		}
	}
	cause := fmt.Errorf("%d %s", status, http.StatusText(status))
	if code, ok := codes[status]; ok {
		e := hub.New(code, "The server answered %s.", http.StatusText(status))
		e.RetryAfter, e.Err = later, cause
		return e
	}
	return misunderstood(status, cause)
}

func known(c hub.Code) bool {
	switch c {
	case hub.Invalid, hub.Unauthenticated, hub.Forbidden, hub.NotFound, hub.Conflict, hub.Limit, hub.Unavailable, hub.Internal:
		return true
	}
	return false
}

func notUnderstood(resp *resty.Response, err error) error {
	return misunderstood(resp.StatusCode(), err)
}

func misunderstood(status int, err error) error {
	if status >= 300 && status < 400 {
		return hub.Wrap(err, hub.Internal, "The server sends us elsewhere; set the server's address to where it really is.")
	}
	return hub.Wrap(err, hub.Internal, "The server gave an answer we do not understand. Is this the address of a CloudMastersHub server?")
}

// retryAfter reads seconds or an HTTP date. Anything else is 0: nobody knows.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return time.Duration(min(n, math.MaxInt32)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, min(time.Until(t), 24*time.Hour))
	}
	return 0
}

func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
