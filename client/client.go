// Package client is the Go SDK for the CloudMastersHub API. Its methods return
// the same errors the server's own code returns: see package hub. It trusts
// nothing a server says beyond what it asked for: answers are bounded,
// redirects are not followed, tokens never travel in the clear to another
// machine. Where tokens are kept is the caller's: see TokenStore.
package client

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	requestTimeout = 2 * time.Minute // a lab's check may run this long
	maxAnswer      = 16 << 20        // a course with its texts is a few hundred kilobytes
	maxExport      = 512 << 20       // years of somebody's learning
)

// Client is safe for concurrent use.
type Client struct {
	http   *resty.Client
	base   *url.URL
	err    error // why no request can be made
	tokens TokenStore
	fixed  string // access token that is never refreshed
	plain  bool
	kept   Cache
	away   bool

	connected func(time.Duration) // nil: nobody wants to know
	renewFor  time.Duration
	renewing  flight
}

// An Option changes how a Client works.
type Option func(*Client)

// Token makes every request with this access token and never refreshes it. It
// wins over Store. Blanks around it, as a file of secrets has them, are none of it.
func Token(accessToken string) Option {
	return func(c *Client) { c.fixed = strings.TrimSpace(accessToken) }
}

// Store keeps the tokens of the sign-in: Login and Register put them there,
// requests take them from there, Logout removes them.
func Store(s TokenStore) Option { return func(c *Client) { c.tokens = s } }

// UserAgent names the program that asks.
func UserAgent(name string) Option { return func(c *Client) { c.http.SetHeader("User-Agent", name) } }

// Language is the one that errors are said in where the hub speaks it, as a tag
// such as de. Without it they are in English.
func Language(tag string) Option { return func(c *Client) { c.http.SetHeader("Accept-Language", tag) } }

// AllowPlainHTTP lets tokens and passwords travel unencrypted to another
// machine. Without it, http:// works for this machine only.
func AllowPlainHTTP() Option { return func(c *Client) { c.plain = true } }

// New returns a client for the API at baseURL, such as https://hub.example.com
// (a path below it is kept). Without options it asks as a guest. A baseURL that
// cannot work is reported by the first request.
func New(baseURL string, opts ...Option) *Client {
	c := &Client{tokens: Memory(hub.Tokens{}), renewFor: renewFor}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	// A client of our own has no cookies, and needs no list of whose they may be.
	c.http = resty.NewWithClient(&http.Client{}).SetTransport(bounded{transport}).SetTimeout(requestTimeout).
		SetRedirectPolicy(resty.RedirectPolicyFunc(func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse })).
		SetHeader("User-Agent", "cmh-sdk").SetHeader("Accept", "application/json, application/problem+json").
		SetLogger(silent{})
	for _, o := range opts {
		o(c)
	}
	c.base, c.err = c.parse(baseURL)
	return c
}

// BaseURL is where the client asks, without a slash at the end.
func (c *Client) BaseURL() string {
	if c.base == nil {
		return ""
	}
	return c.base.String()
}

// CheckAddress says what is wrong with the address of a hub before anybody asks
// there. plain is whether AllowPlainHTTP would be given.
func CheckAddress(base string, plain bool) error {
	_, err := (&Client{plain: plain}).parse(base)
	return err
}

func (c *Client) parse(base string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, hub.Errorf(hub.Invalid, "The server's address %q must look like https://hub.example.com.", base)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, hub.Errorf(hub.Invalid, "The server's address must hold no user, query or fragment.")
	}
	if u.Scheme == "http" && !c.plain && !loopback(u.Hostname()) {
		return nil, hub.Errorf(hub.Invalid, "The server's address %q would send your password unencrypted to another machine. Use https://, or set CMH_INSECURE_HTTP=1 on a network you trust.", base)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/api/v1"), "/v1")
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

// bounded ends the body of an answer that is larger than any of ours, after
// decompression, and refuses bodies that pretend otherwise.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		most := int64(maxAnswer)
		if strings.HasSuffix(r.URL.Path, exportPath) {
			most = maxExport
		}
		resp.Body = &limited{ReadCloser: resp.Body, left: most}
	}
	return resp, err
}

type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	return n, err
}

// silent keeps resty's warnings off the terminal.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
