package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/go-resty/resty/v2"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Request is a request in the words of the contract, docs/openapi.yaml.
type Request struct {
	Method string
	Path   string      // below the hub's address, with its query: /v1/courses?limit=3
	Header http.Header // beside what every request has
	Body   []byte      // JSON, unless Header names another Content-Type; nil is none
}

// Answer is what the hub has answered.
type Answer struct {
	Proto  string // HTTP/1.1, say
	Status int
	Header http.Header
	Body   []byte
}

// Next is the cursor of the page behind this one; "" where there is none.
func (a Answer) Next() string { return nextCursor(a.Header.Get("Link")) }

// GraphError is the first thing that went wrong in an answer of GraphQL, which has
// status 200 all the same; nil where nothing did.
func (a Answer) GraphError() error {
	var answer struct {
		Errors []struct {
			Message    string `json:"message"`
			Extensions struct {
				Code hub.Code `json:"code"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(a.Body, &answer) // what is no answer of GraphQL tells of nothing
	if len(answer.Errors) == 0 {
		return nil
	}
	e := &hub.Error{Code: answer.Errors[0].Extensions.Code, Message: short(answer.Errors[0].Message, 2000)}
	if !known(e.Code) {
		e.Code = hub.Internal
	}
	return e
}

// own are the headers that say who asks and whom, and those of the connection:
// the client's, like its address and its token.
var own = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Host", "Connection", "Proxy-Connection", "Keep-Alive",
	"Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Expect", "Accept-Encoding",
}

// methods are those that a contract may use.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Raw makes a request that has no method here, with all that the others do for
// theirs: the token, which goes to the hub's own address only and is renewed, an
// Idempotency-Key for a POST that has none, patience. It neither reads nor fills
// the cache. A refusal is an error, and the answer beside it is what was refused
// with; 304 is none, because only who sent a condition is answered so.
func (c *Client) Raw(ctx context.Context, r Request) (Answer, error) {
	if !slices.Contains(methods, r.Method) {
		return Answer{}, hub.Errorf(hub.Invalid, "The method is one of %s.", strings.Join(methods, ", "))
	}
	u, err := below(r.Path)
	if err != nil {
		return Answer{}, err
	}
	head := http.Header{}
	for name, values := range r.Header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if err := sendable(name, values); err != nil {
			return Answer{}, err
		}
		head[name] = append(head[name], values...)
	}
	if r.Body != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions) {
		return Answer{}, hub.Errorf(hub.Invalid, "A %s carries no body.", r.Method)
	}
	if r.Body != nil && head.Get("Content-Type") == "" {
		head.Set("Content-Type", "application/json")
	}
	key := head.Get("Idempotency-Key")
	if key == "" && r.Method == http.MethodPost {
		key = rand.Text()
	}
	var a Answer
	_, err = c.do(ctx, call{method: r.Method, path: cut(u.EscapedPath()), query: u.Query(), head: head, bytes: r.Body, key: key, answer: &a})
	return a, err
}

// below is what path names below the hub's address, and nowhere else.
func below(path string) (*url.URL, error) {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
		return nil, hub.Errorf(hub.Invalid, "%q is no path below the hub's address, such as /v1/courses?limit=3.", path)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return nil, hub.Errorf(hub.Invalid, "%q leads elsewhere.", path)
		}
	}
	return u, nil
}

// sendable refuses headers that aren't the caller's to set, or that no server
// would take for one.
func sendable(name string, values []string) error {
	if slices.Contains(own, name) {
		return hub.Errorf(hub.Invalid, "The header %s is cmh's own: where it asks is --server, and as whom is your sign-in or CMH_TOKEN.", name)
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) {
		return hub.Errorf(hub.Invalid, "%q is no name of a header.", name)
	}
	for _, v := range values {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return hub.Errorf(hub.Invalid, "%q is no value of a header.", v)
		}
	}
	return nil
}

// answered is resp, without what resty made of it.
func answered(resp *resty.Response) Answer {
	a := Answer{Status: resp.StatusCode(), Header: resp.Header(), Body: resp.Body()}
	if resp.RawResponse != nil {
		a.Proto = resp.RawResponse.Proto
	}
	return a
}
