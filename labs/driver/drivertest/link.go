package drivertest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

// RunLinks holds a driver that joins sandboxes to labs.Linker's comment. It
// reads the network with iproute2's and bash's tools, which image must have.
func RunLinks(t *testing.T, image string, open Open) {
	d, ok := open(t).(labs.Linker)
	if !ok {
		t.Fatal("the driver is no labs.Linker")
	}
	if err := d.Linkable(); err != nil {
		t.Fatal(err)
	}
	s := links{suite{d: d, image: image, open: open}, d}
	t.Run("two hosts and a stranger", s.pair)
	t.Run("a line ends with either host", s.ends)
	t.Run("the dead and the unknown", s.unknown)
	t.Run("a later driver finds the line", s.reopened)
}

type links struct {
	suite
	l labs.Linker
}

var addresses = []netip.Addr{netip.MustParseAddr("172.30.1.2"), netip.MustParseAddr("172.30.2.2")}

func (s links) link(t *testing.T, a, b string) {
	t.Helper()
	err := s.l.Link(t.Context(), labs.End{ID: a, Device: "eth0", Addr: addresses[0]}, labs.End{ID: b, Device: "eth0", Addr: addresses[1]})
	if err != nil {
		t.Fatal(err)
	}
}

// reaches dials addr from inside and says what came of it.
func reaches(t *testing.T, c *ssh.Client, addr string, port int) string {
	t.Helper()
	out, _ := Exec(t, c, fmt.Sprintf("timeout 5 bash -c ': </dev/tcp/%s/%d' 2>&1 && echo connected", addr, port))
	return out
}

func (s links) pair(t *testing.T) {
	a, b, c := s.sandbox(t, s.spec("pair-a")), s.sandbox(t, s.spec("pair-b")), s.sandbox(t, s.spec("pair-c"))
	for range 2 { // the second line takes the first one's place
		s.link(t, "pair-a", "pair-b")
	}
	must(t, b, "nohup python3 -m http.server --bind 172.30.2.2 8000 >/dev/null 2>&1 &")
	must(t, b, "for i in $(seq 600); do ss -ltn | grep -q :8000 && exit 0; sleep .1; done; exit 1")
	for _, tc := range []struct {
		name string
		from *ssh.Client
		addr string
		want string
	}{
		{"the other host", a, "172.30.2.2", "connected"},
		{"itself", b, "172.30.2.2", "connected"},
		{"a stranger", c, "172.30.2.2", "unreachable"},
		{"the metadata address", a, "169.254.169.254", "unreachable"},
		{"private addresses", a, "10.0.0.1", "unreachable"},
		{"addresses beside the other host's", a, "172.30.2.1", "unreachable"},
		{"public addresses", b, "192.0.2.1", "unreachable"},
		{"IPv6", a, "fe80::1%eth0", "unreachable"},
		{"IPv6, everybody", b, "ff02::1%eth0", "unreachable"},
	} {
		got := reaches(t, tc.from, tc.addr, 8000)
		if strings.Contains(tc.addr, ":") && strings.Contains(got, "Cannot assign requested address") {
			continue // IPv6 is off altogether
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s, %s: %q, want %q", tc.name, tc.addr, got, tc.want)
		}
	}
	const devices = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort | tr '\\n' ' '"
	for name, c := range map[string]*ssh.Client{"a": a, "b": b} {
		if got := must(t, c, devices); got != "eth0 lo" {
			t.Errorf("%s has the devices %q", name, got)
		}
		if got := must(t, c, "ip -6 -o addr show dev eth0 | wc -l; ip route show default | wc -l"); got != "0\n0" {
			t.Errorf("%s has IPv6 addresses on the line, or a way out: %q", name, got)
		}
		if out, err := Exec(t, c, "ip addr add 10.0.0.2/8 dev eth0 2>&1 || ip route add default dev eth0 2>&1"); err == nil {
			t.Errorf("root in %s changed its network: %s", name, out)
		}
	}
	// A device of its own, for show, is all that a sandbox that stands alone has.
	if got := must(t, c, devices); got != "lo" && got != "eth0 lo" {
		t.Errorf("the stranger has the devices %q", got)
	}
}

func (s links) ends(t *testing.T) {
	a := s.sandbox(t, s.spec("ends-a"))
	s.sandbox(t, s.spec("ends-b"))
	s.link(t, "ends-a", "ends-b")
	if err := s.d.Destroy(t.Context(), "ends-b"); err != nil {
		t.Fatal(err)
	}
	// The kernel takes namespaces down in its own time.
	deadline := time.Now().Add(time.Minute)
	for must(t, a, "grep -c eth0 /proc/net/dev; true") != "0" {
		if time.Now().After(deadline) {
			t.Fatal("the line is still there")
		}
	}
	s.sandbox(t, s.spec("ends-b"))
	s.link(t, "ends-a", "ends-b")
}

func (s links) unknown(t *testing.T) {
	s.sandbox(t, s.spec("alone"))
	alone := labs.End{ID: "alone", Device: "eth0", Addr: addresses[0]}
	for _, id := range []string{"nobody", "../x", ""} {
		err := s.l.Link(t.Context(), alone, labs.End{ID: id, Device: "eth0", Addr: addresses[1]})
		if !errors.Is(err, labs.ErrNotFound) {
			t.Errorf("a line to %q: %v, want ErrNotFound", id, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.l.Link(ctx, alone, alone); err == nil {
		t.Error("a line is laid after its context has ended")
	}
}

func (s links) reopened(t *testing.T) {
	a := s.sandbox(t, s.spec("kept-a"))
	s.sandbox(t, s.spec("kept-b"))
	s.link(t, "kept-a", "kept-b")
	later := s.open(t)
	if got := must(t, Connect(t, later, "kept-b"), "ip -4 -o addr show dev eth0 | grep -c 172.30.2.2"); got != "1" {
		t.Errorf("got %q", got)
	}
	if got := reaches(t, a, "172.30.2.2", 9); !strings.Contains(got, "refused") {
		t.Errorf("the other host answers %q, want a refusal", got)
	}
}
