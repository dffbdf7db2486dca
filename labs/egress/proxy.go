package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds of one sandbox's way out.
const (
	maxConns   = 32
	maxHeader  = 64 << 10
	headerTime = 30 * time.Second
	maxBytes   = 2 << 30 // in both directions together, as long as the line lives
	lookupTime = 10 * time.Second
	dialTime   = 10 * time.Second
	idleTime   = 2 * time.Minute
	connTime   = 30 * time.Minute
)

// A Proxy connects one sandbox to what its rules allow. It is ready when its
// rules are set; the other fields may stay empty.
type Proxy struct {
	// Rules all have to allow a connection: a lab's, and the operator's.
	Rules []Rules
	Log   *slog.Logger // of refusals; nil for none

	// Lookup and Dial are the resolver's and the dialler's of this machine
	// unless they are set.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

	moved atomic.Int64 // bytes
}

// refusal is what the programs inside read.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

// A Conn is one connection of a program inside.
type Conn interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// Serve answers the one request that a connection may make, and closes it.
func (p *Proxy) Serve(ctx context.Context, in Conn) {
	ctx, cancel := context.WithTimeout(ctx, connTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = in.Close() })
	defer stop()
	defer in.Close()
	// What stalls before it has asked holds one of the lab's connections.
	slow := time.AfterFunc(headerTime, cancel)
	bound := &io.LimitedReader{R: in, N: maxHeader}
	from := bufio.NewReaderSize(bound, 16<<10)
	r, err := http.ReadRequest(from)
	slow.Stop()
	if err != nil {
		p.refuse(ctx, in, "", &refusal{http.StatusBadRequest, "that is no HTTP request"})
		return
	}
	bound.N = math.MaxInt64
	r, host := r.WithContext(ctx), r.Host
	switch {
	case r.Method == http.MethodConnect:
		err = p.tunnel(ctx, in, from, host)
	case r.URL.Scheme == "http" && r.URL.Host != "":
		err = p.forward(in, r)
	default:
		err = &refusal{http.StatusBadRequest, "this is a proxy: ask it for http://HOST/..., or to CONNECT to HOST:PORT"}
	}
	if err != nil {
		p.refuse(ctx, in, host, err)
	}
}

// refuse answers with an error, before anything else was.
func (p *Proxy) refuse(ctx context.Context, in Conn, host string, err error) {
	status := http.StatusBadGateway
	var no *refusal
	if errors.As(err, &no) {
		status = no.status
		if p.Log != nil && status == http.StatusForbidden {
			p.Log.WarnContext(ctx, "a lab was refused its way out", "to", clip(host), "why", no.why)
		}
	} else {
		err = errors.New("it can't be reached") // more would tell of the host's network
	}
	text := "lab egress: " + clip(host) + ": " + err.Error() + "\n"
	_, _ = fmt.Fprintf(in, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(text), text)
	_ = in.CloseWrite()
}

// clip is text of a learner's for the log.
func clip(s string) string {
	return strconv.QuoteToASCII(s[:min(len(s), 256)])
}

// tunnel is CONNECT. It answers with an error only before it has begun.
func (p *Proxy) tunnel(ctx context.Context, in Conn, from io.Reader, to string) error {
	out, err := p.connect(ctx, to)
	if err != nil {
		return err
	}
	defer out.Close()
	stop := context.AfterFunc(ctx, func() { _ = out.Close() })
	defer stop()
	if _, err := io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return nil // there is nobody to tell
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(out, from)
		_ = out.CloseWrite()
	}()
	_, _ = io.Copy(in, out)
	_ = in.CloseWrite()
	// Whoever only sends now is done with when it lies idle.
	<-done
	return nil
}

// hopByHop are the headers that concern this hop only.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// forward is a request for an http: address. It answers with an error only
// before it has begun.
func (p *Proxy) forward(in Conn, r *http.Request) error {
	transport := &http.Transport{
		// Whatever proxy the server itself is told to use is not for labs.
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			c, err := p.connect(ctx, addr)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		DisableKeepAlives: true, DisableCompression: true,
		ResponseHeaderTimeout: idleTime, MaxResponseHeaderBytes: maxHeader,
	}
	r.RequestURI = ""
	r.Host = "" // the URL's: whoever was allowed is whoever is asked
	strip(r.Header)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	strip(resp.Header)
	resp.Close = true
	_ = resp.Write(in)
	_ = in.CloseWrite()
	return nil
}

func strip(h http.Header) {
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
}

// connect dials hostPort, which must be allowed, at an address that must be
// public, and that is the one that was looked at.
func (p *Proxy) connect(ctx context.Context, hostPort string) (*counted, error) {
	if p.moved.Load() >= maxBytes {
		return nil, &refusal{http.StatusTooManyRequests, fmt.Sprintf("this lab has moved its %d GiB", maxBytes>>30)}
	}
	host, port, err := split(hostPort)
	if err != nil {
		return nil, err
	}
	for _, rules := range p.Rules {
		if !rules.Allow(host, port) {
			return nil, &refusal{http.StatusForbidden, "not on the list of what labs may reach here"}
		}
	}
	addrs, err := p.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dial := p.Dial
	if dial == nil {
		dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		}
	}
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = dial(ctx, netip.AddrPortFrom(a, uint16(port))); err == nil {
			return &counted{Conn: conn, p: p}, nil
		}
	}
	return nil, err
}

// split takes host and port apart and brings the host into the form of rules.
// Numbers that some resolvers take for addresses (1, 0x7f.1, 017700000001) are
// no names.
func split(hostPort string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, digits = hostPort, "80"
		if strings.Contains(host, ":") {
			return "", 0, &refusal{http.StatusBadRequest, "is no host and port"}
		}
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, &refusal{http.StatusBadRequest, "is no host and port"}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		if why := closed(a); why != "" {
			return "", 0, &refusal{http.StatusForbidden, why}
		}
		return a.String(), int(n), nil
	}
	if len(host) > 253 || !nameForm.MatchString(host) {
		return "", 0, &refusal{http.StatusForbidden, "is no name"}
	}
	return host, int(n), nil
}

// addresses are host's, all of which have to be public: a name that is half
// inside is not to be trusted with the other half.
func (p *Proxy) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a)
	} else {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		lookup := p.Lookup
		if lookup == nil {
			// The dot: a name from the host's own search list is not what was
			// allowed.
			lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
				return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
			}
		}
		if addrs, err = lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	for i, a := range addrs {
		a = a.Unmap() // a resolver's way of writing IPv4
		addrs[i] = a
		if why := closed(a); why != "" {
			return nil, &refusal{http.StatusForbidden, "leads to " + why}
		}
		if own[a] {
			return nil, &refusal{http.StatusForbidden, "leads to this machine itself"}
		}
	}
	return addrs, nil
}

// ownAddresses are this machine's: what listens on a public one of them is
// meant for others.
func ownAddresses() (map[netip.Addr]bool, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	own := map[netip.Addr]bool{}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own[addr.Unmap()] = true
			}
		}
	}
	return own, nil
}

// counted is a connection to the outside: it ends when it lies idle and when
// the sandbox has moved its share.
type counted struct {
	net.Conn
	p *Proxy
}

func (c *counted) Read(b []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(idleTime))
	n, err := c.Conn.Read(b)
	return n, c.count(n, err)
}

func (c *counted) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(idleTime))
	n, err := c.Conn.Write(b)
	return n, c.count(n, err)
}

var errShare = errors.New("egress: the lab has moved its share")

func (c *counted) count(n int, err error) error {
	if c.p.moved.Add(int64(n)) > maxBytes && err == nil {
		return errShare
	}
	return err
}

func (c *counted) CloseWrite() error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return c.Close()
}
