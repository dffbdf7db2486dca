package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/cloudmastershub/cmh/client/hub"
)

// listeners are the addresses that a server has. The last two may be nil.
type listeners struct {
	api, ssh          net.Listener
	metrics, redirect net.Listener
}

func listenAll(ctx context.Context, cfg Config) (ls listeners, err error) {
	announced, err := announcing(cfg)
	if err != nil {
		return ls, err
	}
	for _, l := range []struct {
		what, addr string
		to         *net.Listener
	}{
		{"API", cfg.APIAddr, &ls.api},
		{"SSH", cfg.SSHAddr, &ls.ssh},
		{"metrics", cfg.MetricsAddr, &ls.metrics},
		{"redirect", cfg.RedirectAddr, &ls.redirect},
	} {
		if l.addr == "" {
			continue
		}
		if *l.to, err = listen(ctx, l.what, l.addr); err != nil {
			return ls, errors.Join(err, ls.Close())
		}
		if policy := announced[strings.ToLower(l.what)]; policy != nil {
			*l.to = &proxyproto.Listener{Listener: *l.to, ConnPolicy: policy, ReadHeaderTimeout: announceTime}
		}
	}
	return ls, nil
}

// Close closes those that nobody serves from yet.
func (ls listeners) Close() error {
	var errs []error
	for _, l := range []net.Listener{ls.api, ls.ssh, ls.metrics, ls.redirect} {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func listen(ctx context.Context, what, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, hub.Wrap(err, hub.Unavailable, "the %s address %s: %s (is another cmh-server running?)", what, addr, err)
	}
	return l, nil
}

// announceTime is how long a proxy may take to say whom it brings.
const announceTime = 5 * time.Second

// announcing says which doors are reached by the PROXY protocol. The proxies
// that the operator names have to announce whom they bring: one that passes on
// bytes unasked would let its clients announce themselves. From anybody else an
// announcement is what it looks like, the start of a bad request, or of no SSH.
func announcing(cfg Config) (map[string]proxyproto.ConnPolicyFunc, error) {
	doors := map[string]proxyproto.ConnPolicyFunc{}
	if cfg.ProxyProtocol == "" {
		return doors, nil
	}
	proxies, err := trustedProxies(cfg.Proxies)
	if err != nil {
		return nil, err
	}
	if len(proxies) == 0 {
		return nil, hub.Errorf(hub.Invalid, "proxy-protocol needs trusted-proxies: from whom it is believed.")
	}
	policy := func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
		at, err := netip.ParseAddrPort(o.Upstream.String())
		if err == nil && within(proxies, at.Addr()) {
			return proxyproto.REQUIRE, nil
		}
		return proxyproto.SKIP, nil
	}
	for name := range strings.SplitSeq(cfg.ProxyProtocol, ",") {
		switch name = strings.TrimSpace(name); name {
		case "api", "ssh":
			doors[name] = policy
		default:
			return nil, hub.Errorf(hub.Invalid, "proxy-protocol must be api, ssh or api,ssh, not %q.", name)
		}
	}
	return doors, nil
}

// within reports whether a list of addresses and networks has ip.
func within(list []string, ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil && a.Unmap() == ip {
			return true
		}
		if p, err := netip.ParsePrefix(s); err == nil && p.Contains(ip) {
			return true
		}
	}
	return false
}

// forwarders are whose X-Forwarded-For is believed: nobody's at an API that is
// told its clients. One of them could be in the same network as the proxies.
func forwarders(cfg Config) ([]string, error) {
	doors, err := announcing(cfg)
	if err != nil || doors["api"] != nil {
		return nil, err
	}
	return trustedProxies(cfg.Proxies)
}
