package server

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// limits reads the settings of how much each may use.
func limits(cfg Config) (l app.Limits, err error) {
	for _, s := range []struct {
		name, value string
		def         int
		to          *int
	}{
		{"limit-guest", cfg.LimitGuest, 100, &l.Guest},
		{"limit-free", cfg.LimitFree, 1_000, &l.Free},
		{"limit-premium", cfg.LimitPaid, 10_000, &l.Premium},
		{"limit-sign-in", cfg.LimitSignIn, 600, &l.SignIn},
		{"lab-minutes", cfg.LabMinutes, 60, &l.LabMinutes},
	} {
		*s.to = s.def
		if s.value == "" {
			continue
		}
		if *s.to, err = strconv.Atoi(s.value); err != nil || *s.to < 0 || *s.to > 1_000_000_000 {
			return l, hub.Errorf(hub.Invalid, "%s must be a whole number, 0 for no limit, not %q.", s.name, s.value)
		}
	}
	return l, nil
}

func (c Config) hideSchema() (bool, error) {
	switch c.Introspection {
	case "", "yes", "true", "on", "1":
		return false, nil
	case "no", "false", "off", "0":
		return true, nil
	}
	return false, hub.Errorf(hub.Invalid, "graphql-introspection must be yes or no, not %q.", c.Introspection)
}

// trustedProxies reads a list of addresses and networks.
func trustedProxies(list string) (proxies []string, err error) {
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		if _, err := netip.ParseAddr(p); err != nil {
			if _, err := netip.ParsePrefix(p); err != nil {
				return nil, hub.Errorf(hub.Invalid, "trusted-proxies must be addresses and networks such as 10.0.0.0/8, not %q.", p)
			}
		}
		proxies = append(proxies, p)
	}
	return proxies, nil
}
