package egress

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	t.Parallel()
	rules, err := Parse([]string{"deb.debian.org", " *.PyPI.org:443 ", "api.example.com:8443", "1.1.1.1:53"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		host string
		port int
		want bool
	}{
		{"deb.debian.org", 80, true},
		{"deb.debian.org", 443, true},
		{"deb.debian.org", 22, false},
		{"www.deb.debian.org", 80, false},
		{"debian.org", 80, false},
		{"xdeb.debian.org", 80, false},
		{"files.pypi.org", 443, true},
		{"a.b.pypi.org", 443, true},
		{"files.pypi.org", 80, false},
		{"pypi.org", 443, false},
		{"evilpypi.org", 443, false},
		{"pypi.org.evil.com", 443, false},
		{"api.example.com", 8443, true},
		{"api.example.com", 443, false},
		{"1.1.1.1", 53, true},
		{"1.1.1.1", 80, false},
		{"8.8.8.8", 53, false},
	} {
		if got := rules.Allow(tt.host, tt.port); got != tt.want {
			t.Errorf("%s:%d: %v", tt.host, tt.port, got)
		}
	}
	all, _ := Parse([]string{"*"})
	if all.Allow("8.8.8.8", 80) || !all.Allow("example.org", 443) || all.Allow("example.org", 25) {
		t.Error("* is every name, on the ports of the web")
	}
}

func TestRulesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"", "*.", "**", "a..b", "-a.org", "a b", "http://a.org", "a.org/x", "a.org:0", "a.org:x", "a.org:99999", "*a.org", "a.*",
		"127.0.0.1", "10.1.2.3:80", "169.254.169.254", "192.168.0.1", "::1", "[::1]:80", "fe80::1", "fd00::1", "::ffff:8.8.8.8", "0.0.0.0",
		"2130706433", "0x7f.1", "1", "100.64.0.1", "224.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1%eth0",
	} {
		if rules, err := Parse([]string{entry}); err == nil {
			t.Errorf("%q is read as %v", entry, rules)
		}
	}
	if _, err := Parse(strings.Split(strings.Repeat("a.org,", 70), ",")); err == nil {
		t.Error("70 entries are taken")
	}
}

func TestBeyond(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ want, allowed, beyond string }{
		{"a.org", "a.org", ""},
		{"a.org", "*", ""},
		{"a.org", "", "a.org"},
		{"a.org", "*.org", ""},
		{"*.a.org", "*.org", ""},
		{"*.org", "*.a.org", "*.org"},
		{"*", "*.org", "*"},
		{"*", "*", ""},
		{"a.org:443", "a.org", ""},
		{"a.org", "a.org:443", "a.org"},
		{"a.org:22", "*", "a.org:22"},
		{"1.1.1.1", "*", "1.1.1.1"},
		{"1.1.1.1", "1.1.1.1", ""},
	} {
		want, err := Parse(strings.Fields(tt.want))
		if err != nil {
			t.Fatal(err)
		}
		allowed, err := Parse(strings.Fields(tt.allowed))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range want.Beyond(allowed) {
			got += r.String()
		}
		if got != tt.beyond {
			t.Errorf("%q beyond %q: %q, want %q", tt.want, tt.allowed, got, tt.beyond)
		}
	}
}

// Whatever an author or a program inside writes, what is allowed is a name or
// a public address.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"a.org:80", "[::1]:80", "2130706433:80", "0x7f.1", "*.a.org:443", "127.0.0.1", "[fe80::1%25lo]:80", "a.org.:443", "é.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if rules, err := Parse([]string{s}); err == nil {
			again, err := Parse([]string{rules[0].String()})
			if err != nil || again[0] != rules[0] {
				t.Errorf("%q is %v, and that %v, %v", s, rules[0], again, err)
			}
		}
		host, port, err := split(s)
		if err != nil {
			return
		}
		if port < 1 || port > 65535 {
			t.Errorf("%q has port %d", s, port)
		}
		if a, err := netip.ParseAddr(host); err == nil {
			if why := closed(a); why != "" {
				t.Errorf("%q leads to %s", s, why)
			}
		} else if !nameForm.MatchString(host) {
			t.Errorf("%q leads to %q", s, host)
		}
	})
}
