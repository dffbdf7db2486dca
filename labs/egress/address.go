package egress

import "net/netip"

// special are the ranges, besides what netip knows, that are nobody's on the
// internet or lead somewhere else than they say. The last of them hold an IPv4
// address that some gateway would go on to.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001:db8::/32", "3fff::/20", "2001::/23", "2002::/16",
)

// everyone is the part of IPv6 that is handed out.
var everyone = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) (ps []netip.Prefix) {
	for _, p := range list {
		ps = append(ps, netip.MustParsePrefix(p))
	}
	return ps
}

// closed says why an address is never dialled for a lab, whatever a list
// holds, or "".
func closed(a netip.Addr) string {
	switch {
	case !a.IsValid() || a.IsUnspecified():
		return "no address"
	case a.Is4In6():
		return "an IPv4 address in disguise"
	case a.Zone() != "" || a.IsLinkLocalUnicast(): // 169.254.169.254 with it
		return "a link-local address"
	case a.IsLoopback():
		return "a loopback address"
	case a.IsPrivate():
		return "a private address"
	case a.IsMulticast():
		return "a multicast address"
	case a.Is6() && !everyone.Contains(a):
		return "a special address"
	}
	for _, p := range special {
		if p.Contains(a) {
			return "a special address"
		}
	}
	return ""
}
