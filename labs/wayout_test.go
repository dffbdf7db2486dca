package labs_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/egress"
)

// mirror is a web site of the outside world: names that the gate's resolver
// knows are at addresses where the server stands, for whoever dials them.
type mirror struct {
	plain, tls *httptest.Server
	dialled    atomic.Int64
}

func newMirror(t *testing.T) *mirror {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello from " + r.Host)) })
	m := &mirror{plain: httptest.NewServer(h), tls: httptest.NewTLSServer(h)}
	t.Cleanup(func() { m.plain.Close(); m.tls.Close() })
	return m
}

func (m *mirror) gate(t *testing.T, allowed ...string) *egress.Gate {
	t.Helper()
	rules, err := egress.Parse(allowed)
	if err != nil {
		t.Fatal(err)
	}
	return &egress.Gate{
		Allowed: rules,
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if strings.HasPrefix(host, "inside.") {
				return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			m.dialled.Add(1)
			at := m.plain
			if to.Port() == 443 {
				at = m.tls
			}
			return new(net.Dialer).DialContext(ctx, "tcp", at.Listener.Addr().String())
		},
	}
}

var outbound = map[string]string{
	"index.json": `{"title": "Out", "details": {"intro": {"text": "intro.md", "background": "background.sh"},
		"steps": [{"text": "intro.md"}]}, "backend": {"imageid": "ubuntu"}}`,
	"intro.md":      "Fetch it.\n",
	"background.sh": "#!/bin/bash\ncurl -fsS http://mirror.example/ >/root/fetched\n",
	"lab.yaml":      "slug: out\negress:\n  - mirror.example\n  - '*.pypi.example:443'\n  - inside.example\n",
}

func TestTheWayOutLeadsWhereItIsDeclared(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	s := playOn(t, outbound, &labs.Engine{Egress: m.gate(t, "*")})
	for command, want := range map[string]string{
		"cat /root/fetched":                                                                      "hello from mirror.example",
		"curl -fsS http://mirror.example/a":                                                      "hello from mirror.example",
		"curl -fsSk https://mirror.example/":                                                     "hello from mirror.example",
		"curl -fsSk https://files.pypi.example/":                                                 "hello from files.pypi.example",
		"su - ubuntu -c 'curl -fsS http://mirror.example/'":                                      "hello from mirror.example",
		"apt-config dump | grep -c 'Proxy.*127.0.0.1:3128'":                                      "2",
		"wget -qO- http://mirror.example/":                                                       "hello from mirror.example",
		"curl -sS -o /dev/null -w '%{http_code}' http://evil.example/":                           "403",
		"curl -sS -o /dev/null -w '%{http_code}' http://pypi.example/":                           "403",
		"curl -sS -o /dev/null -w '%{http_code}' http://files.pypi.example/":                     "403",
		"curl -sS -o /dev/null -w '%{http_code}' http://93.184.216.34/":                          "403",
		"curl -sS -o /dev/null -w '%{http_code}' http://inside.example/":                         "403",
		"curl -sS -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta":             "403",
		"curl -sS -o /dev/null -w '%{http_code}' -H 'Host: evil.example' http://mirror.example/": "200",
		"curl -sS -H 'Host: evil.example' http://mirror.example/":                                "hello from mirror.example",
		// Around the proxy there is nothing.
		"curl -sS --noproxy '*' -m 60 http://93.184.216.34/ 2>&1 | grep -cE 'refused|unreachable|connect'":                                                               "1",
		"tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | grep -vx eth0":                                                                                             "lo",
		"python3 -m http.server 8123 >/dev/null 2>&1 & for i in $(seq 600); do curl -fs http://localhost:8123/ >/dev/null && echo own && break; sleep .1; done; kill $!": "own",
	} {
		if got := s.run(command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

// A later process opens the way again, and what was asked for meanwhile waits.
func TestTheWayOutSurvivesItsServer(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	s := playOn(t, outbound, &labs.Engine{Egress: m.gate(t, "mirror.example", "*.pypi.example", "inside.example")})
	s.e.Egress.Close(s.id) // what the end of a process does
	s.run("nohup curl -fsS http://mirror.example/ >/root/later 2>&1 &")
	later := &labs.Engine{Driver: s.e.Driver, Egress: m.gate(t, "*")}
	if later.OutKnown(s.id) {
		t.Error("a new process knows of the way out")
	}
	for range 2 {
		if err := later.KeepOut(t.Context(), s.id, s.sc); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.appears("/root/later"); got != "hello from mirror.example" {
		t.Errorf("got %q", got)
	}
	if !later.OutKnown(s.id) {
		t.Error("the way is open and not known")
	}
	if err := later.Destroy(t.Context(), s.id); err != nil {
		t.Fatal(err)
	}
	if later.OutKnown(s.id) {
		t.Error("the way out of a lab that is gone is still known")
	}
}

func TestTheOperatorHasTheLastWord(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	s := play(t, map[string]string{
		"index.json": `{"title": "In", "details": {"steps": [{"text": "a.md"}]}, "backend": {"imageid": "ubuntu"}}`,
		"a.md":       "Nothing.\n",
	})
	s.sc.Egress = []string{"mirror.example"}
	for name, gate := range map[string]*egress.Gate{"no way out": nil, "another": m.gate(t, "*.org")} {
		e := &labs.Engine{Driver: s.e.Driver, Egress: gate}
		if err := e.Start(t.Context(), "refused", s.sc, nil); !errors.Is(err, egress.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	if ids, err := s.e.List(t.Context()); err != nil || len(ids) != 1 {
		t.Errorf("sandboxes are %v, %v", ids, err)
	}
	if n := m.dialled.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
