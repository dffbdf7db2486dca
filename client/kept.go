package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A Cache keeps answers for when the hub can't be reached, and so that what
// hasn't changed isn't sent again. Who asks is told by their token, which a
// cache does not keep. It never fails: what it can't keep, it doesn't.
type Cache interface {
	// Get returns what was kept of the answer to path, which has its query.
	Get(token, path string) (Kept, bool)
	Put(token, path string, k Kept)
	// Verified says that the hub has just confirmed what is kept.
	Verified(token, path string)
	// Refused says that the hub has just refused it, with a code: forbidden,
	// not_found, or unauthenticated when the token is good for nothing any more.
	Refused(token, path string, code hub.Code)
}

// Kept is an answer that was kept.
type Kept struct {
	ETag string
	Link string // the header, of one page of a list
	Body []byte // JSON
}

// Keep makes a Client keep what learners read, and ask whether it has changed.
func Keep(c Cache) Option { return func(cl *Client) { cl.kept = c } }

// Connected tells f of each new connection to the hub how long it took, from the
// name to the first packet back. f may be called by several goroutines at once.
func Connected(f func(took time.Duration)) Option { return func(c *Client) { c.connected = f } }

// Away makes a Client ask nobody: it answers from what Keep has kept, and says
// that the rest needs the hub.
func Away() Option { return func(c *Client) { c.away = true } }

// ErrNotKept is in the error of a Client that is Away and has no answer.
var ErrNotKept = errors.New(hub.Word("not kept on this machine").String())

// Unreachable reports whether err means that no hub has answered. Where one
// answers that it can't, or isn't who it should be, that is not so.
func Unreachable(err error) bool {
	_, asked := errors.AsType[*url.Error](err)
	_, impostor := errors.AsType[*tls.CertificateVerificationError](err)
	return asked && !impostor && hub.CodeOf(err) == hub.Unavailable
}

// NeverSent reports whether err means that the request has certainly not
// arrived.
func NeverSent(err error) bool {
	if errors.Is(err, ErrNotKept) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return Unreachable(err) && ok && op.Op == "dial" && !errors.Is(err, errSent)
}

// errSent is in the error of a request of which a try has left.
var errSent = errors.New("an earlier try may have arrived")

// where is what a call asks for, with its query.
func (r call) where() string {
	p := "/" + strings.Join(r.path, "/")
	if len(r.query) > 0 {
		p += "?" + r.query.Encode()
	}
	return p
}

// readable are the paths that learners read: those whose answers are kept.
var readable = map[string]bool{
	"/v1/users/profile": true, "/v1/users/progress": true, "/v1/users/next": true, "/v1/users/achievements": true, "/v1/certificates": true, "/v1/courses": true,
}

func (c *Client) keeps(r call) bool {
	if c.kept == nil || r.method != http.MethodGet || r.guest || r.answer != nil || r.query.Get("q") != "" {
		return false
	}
	p := "/" + strings.Join(r.path, "/")
	return readable[p] || strings.HasPrefix(p, "/v1/courses/")
}

func (c *Client) keptFor(r call, token string) (Kept, bool) {
	if r.fresh || !c.keeps(r) {
		return Kept{}, false
	}
	return c.kept.Get(token, r.where())
}

// fromKept answers with what was kept.
func (c *Client) fromKept(r call, k Kept, known bool) (*resty.Response, error) {
	if !known || json.Unmarshal(k.Body, r.out) != nil {
		what := hub.New(hub.Unavailable, "You are offline, and this needs the hub.")
		switch {
		case len(r.path) > 1 && (r.path[1] == "labs" || r.path[1] == "recordings"):
			what = hub.New(hub.Unavailable, "You are offline, and labs run at the hub.")
		case c.keeps(r):
			what = hub.New(hub.Unavailable, "You are offline, and this isn't kept on this machine. When you are online again: cmh sync")
		}
		what.Err = ErrNotKept
		return nil, what
	}
	head := http.Header{}
	head.Set("Link", k.Link)
	return &resty.Response{RawResponse: &http.Response{StatusCode: http.StatusOK, Header: head}}, nil
}

// unchanged answers with what the hub has just confirmed. What follows a page may
// have changed, though the page has not.
func (c *Client) unchanged(ctx context.Context, r call, token string, k Kept, link string) (*resty.Response, error) {
	if json.Unmarshal(k.Body, r.out) != nil { // kept by a version that knew another form
		c.kept.Refused(token, r.where(), hub.NotFound)
		r.fresh = true
		return c.once(ctx, r, token)
	}
	if k.Link == link {
		c.kept.Verified(token, r.where())
	} else {
		k.Link = link
		c.kept.Put(token, r.where(), k)
	}
	return c.fromKept(r, k, true)
}

func (c *Client) keep(r call, token string, resp *resty.Response) {
	if etag := resp.Header().Get("ETag"); etag != "" && resp.StatusCode() == http.StatusOK && c.keeps(r) {
		c.kept.Put(token, r.where(), Kept{ETag: etag, Link: resp.Header().Get("Link"), Body: resp.Body()})
	}
}

// over says that nobody is known by token any more, if the hub itself says so.
func (c *Client) over(r call, token string, err error) {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Err == nil && c.kept != nil {
		c.kept.Refused(token, r.where(), e.Code)
	}
}

func (c *Client) refused(r call, token string, err error) {
	if code := hub.CodeOf(err); (code == hub.Forbidden || code == hub.NotFound) && c.keeps(r) {
		c.kept.Refused(token, r.where(), code)
	}
}
