// Package egress is the way out of labs that declare one: an HTTP proxy on the
// host, for each sandbox its own, that connects to the names on a list and to
// nothing else.
//
// A sandbox keeps its lonely network. Its agent takes the connections of the
// programs inside and hands them over; names are looked up here, and what is
// dialled is the address that was looked at. Which lab may reach what is for
// the operator and its author to say.
package egress

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Rules are what may be reached. None is nothing.
type Rules []Rule

// A Rule is a host, or all names below one, on one port or the two of the web.
type Rule struct {
	Host string // "*" is every name; "*.example.org" all below it, and not itself
	Port int    // 0 is 80 and 443
}

const maxRules = 64

var nameForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// Parse reads rules such as "deb.debian.org", "*.pypi.org:443" or "1.1.1.1:53".
// An address has to be listed as such: no name's rule holds for it, "*" neither.
func Parse(list []string) (Rules, error) {
	if len(list) > maxRules {
		return nil, fmt.Errorf("there are more than %d entries", maxRules)
	}
	var rules Rules
	for _, entry := range list {
		r, err := parse(strings.ToLower(strings.TrimSpace(entry)))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", entry, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func parse(entry string) (Rule, error) {
	if addr, err := netip.ParseAddr(entry); err == nil {
		return address(addr, 0)
	}
	if at, err := netip.ParseAddrPort(entry); err == nil {
		return address(at.Addr(), int(at.Port()))
	}
	r := Rule{Host: entry}
	if host, port, ok := strings.Cut(entry, ":"); ok {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return r, fmt.Errorf("%q is no port", port)
		}
		r.Host, r.Port = host, n
	}
	if name := strings.TrimPrefix(r.Host, "*."); r.Host != "*" && (!nameForm.MatchString(name) || len(name) > 253) {
		return r, fmt.Errorf("is no name of a host: write example.org, *.example.org or example.org:443")
	}
	return r, nil
}

func address(addr netip.Addr, port int) (Rule, error) {
	if why := closed(addr); why != "" {
		return Rule{}, fmt.Errorf("%s is never reached from a lab", why)
	}
	return Rule{addr.String(), port}, nil
}

// String is the rule as Parse reads it.
func (r Rule) String() string {
	if r.Port == 0 {
		return r.Host
	}
	if strings.Contains(r.Host, ":") {
		return netip.AddrPortFrom(netip.MustParseAddr(r.Host), uint16(r.Port)).String()
	}
	return r.Host + ":" + strconv.Itoa(r.Port)
}

// Allow reports whether host, a name in small letters or an address, may be
// reached on port.
func (rs Rules) Allow(host string, port int) bool {
	for _, r := range rs {
		if r.allows(host, port) {
			return true
		}
	}
	return false
}

func (r Rule) allows(host string, port int) bool {
	if r.Port != port && (r.Port != 0 || port != 80 && port != 443) {
		return false
	}
	if r.Host == host {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	if r.Host == "*" {
		return true
	}
	below, ok := strings.CutPrefix(r.Host, "*")
	return ok && strings.HasSuffix(host, below)
}

// Beyond are the rules of rs that allow more than others do.
func (rs Rules) Beyond(others Rules) (beyond Rules) {
	for _, r := range rs {
		ports := []int{r.Port}
		if r.Port == 0 {
			ports = []int{80, 443}
		}
		for _, port := range ports {
			if !others.cover(r.Host, port) {
				beyond = append(beyond, r)
				break
			}
		}
	}
	return beyond
}

// cover reports whether everything that the pattern host means is allowed.
func (rs Rules) cover(host string, port int) bool {
	for _, r := range rs {
		// "*.b.a" lies within "*.a" just as the name "x.b.a" does, and only
		// "*" has "*" in it.
		if r.allows(host, port) && (host != "*" || r.Host == "*") {
			return true
		}
	}
	return false
}
