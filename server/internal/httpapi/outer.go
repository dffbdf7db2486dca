package httpapi

import (
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	maxPath  = 2048
	maxQuery = 8192

	// bodyTime is how long a body may take to arrive. It is not the server's
	// ReadTimeout because that one also cuts off requests that are being
	// answered, such as a lab's check.
	bodyTime = 30 * time.Second
)

// headAsGet routes HEAD like GET; net/http leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(withoutBody(r.Context()))
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// nameOf is what the caller calls the request, so that their log and ours can be
// read together; else a name that we make. Theirs is one word that can't be an
// e-mail address, and no token of ours.
func nameOf(r *http.Request) string {
	if given := r.Header[requestIDHeader]; len(given) == 1 && isName(given[0]) {
		return given[0]
	}
	return newRequestID()
}

// isName reports whether s is fit to be logged and sent back as it is.
func isName(s string) bool {
	if s == "" || len(s) > 64 || strings.HasPrefix(s, "cmh") {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// newRequestID is 100 random bits: a name, no secret.
func newRequestID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var b [20]byte
	for half := range 2 {
		bits := mathrand.Uint64()
		for i := range 10 {
			b[10*half+i] = letters[bits&31]
			bits >>= 5
		}
	}
	return string(b[:])
}

// outer is what every request passes first: a name, headers for browsers, a
// limit on slow peers, bytes that no handler wants to see, a log line. A panic
// inside is answered and logged.
func (h api) outer(c *gin.Context) {
	started := time.Now()
	r := begin(c, nameOf(c.Request), h.secure(c))
	id := r.id
	defer func() {
		r.tell() // of an answer without a body
		took := time.Since(started)
		h.metrics.Request(c.Request.Method, c.FullPath(), c.Writer.Status(), took)
		h.logAccess(c, r, took)
	}()
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			h.log.ErrorContext(c.Request.Context(), "panic", "request_id", id, "panic", p, "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				h.write(c, h.problem(c, errPanicked), false)
			}
			c.Abort()
		}
	}()
	if c.Request.Body != http.NoBody {
		// decode takes it off again. Where nobody reads the body, it bounds
		// how long net/http waits for the rest of it.
		_ = http.NewResponseController(c.Writer).SetReadDeadline(started.Add(bodyTime))
	}
	if err := badBytes(c.Request.URL); err != nil {
		h.write(c, h.problem(c, err), false)
		c.Abort()
		return
	}
	if c.Request.URL.RawPath != "" {
		for i, p := range c.Params {
			if v, err := url.PathUnescape(p.Value); err == nil { // net/url has read it before
				c.Params[i].Value = v
			}
		}
	}
	if h.app.Starting.Load() && c.FullPath() != "/healthz" {
		h.write(c, h.problem(c, errStarting), false)
		c.Abort()
		return
	}
	c.Next()
}

var errStarting = &hub.Error{Code: hub.Unavailable, Message: "The server is starting. Please try again in a moment.", RetryAfter: time.Second}

func badBytes(u *url.URL) error {
	if len(u.Path) > maxPath || len(u.RawQuery) > maxQuery {
		return refined{hub.Errorf(hub.Invalid, "The address is too long."), http.StatusRequestURITooLong}
	}
	if !printed(u.Path) && !clean(u.Path) {
		return hub.Errorf(hub.Invalid, "The address holds characters that no address here has.")
	}
	if u.RawQuery == "" {
		return nil
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The query cannot be read.")
	}
	for name, values := range q {
		for _, v := range append(values, name) {
			if !clean(v) {
				return hub.Errorf(hub.Invalid, "The query holds characters that no value here has.")
			}
		}
	}
	return nil
}

// printed reports whether s is what most addresses are: plain letters and signs.
func printed(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean reports whether s is text without control characters.
func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// printable makes s fit for an answer.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), maxPath)], "?"))
}

func (h api) logAccess(c *gin.Context, r *reply, took time.Duration) {
	if !h.log.Enabled(c.Request.Context(), slog.LevelInfo) {
		return
	}
	ctx := context.WithoutCancel(c.Request.Context())
	// The route, not the address: what learners type stays out of the log.
	h.log.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", c.Request.Method), slog.String("route", c.FullPath()), slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", c.Writer.Size()), slog.Duration("took", took), slog.String("user", r.user),
		slog.String("network", networkOf(c.ClientIP())), slog.String("request_id", r.id))
}

// networkOf is as much of an address as tells an attack from a crowd, and nobody
// from their neighbours.
func networkOf(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return ""
	}
	bits := 48
	if ip = ip.Unmap(); ip.Is4() {
		bits = 24
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// peer is who connected, with a port or without, or who a proxy of ours says did.
func (h api) peer(c *gin.Context) string {
	if len(h.app.TrustedProxies) == 0 {
		return c.Request.RemoteAddr
	}
	return c.ClientIP()
}

// secure reports whether the peer came by TLS, to us or to a proxy of ours.
func (h api) secure(c *gin.Context) bool {
	if c.Request.TLS != nil {
		return true
	}
	said := c.Request.Header["X-Forwarded-Proto"]
	return len(said) == 1 && said[0] == "https" && h.fromProxy(c.Request.RemoteAddr)
}

// fromProxy reports whether a peer is a proxy that we know.
func (h api) fromProxy(peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	ip := at.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(h.proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// prefixes reads a list of addresses and networks that has been checked.
func prefixes(list []string) (all []netip.Prefix) {
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p)
		} else if ip, err := netip.ParseAddr(s); err == nil {
			ip = ip.Unmap()
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	return all
}

const requestIDHeader = "X-Request-Id"
