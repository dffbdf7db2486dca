package egress

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	nl "github.com/vishvananda/netlink"
)

// ours are public, and this machine's own.
const (
	ours  = "8.8.4.4"
	ours6 = "2606:4700::1"
)

// canaries are places that no lab may reach. A listener answers on all of
// them, in a network namespace of the test's own.
var canaries = []string{
	"127.0.0.1", "127.7.7.7", "10.0.0.1", "172.16.0.1", "172.30.2.2", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
	ours,
	"::1", "fd00::1", "2002:7f00:1::1", ours6,
}

func TestCanariesHearNothing(t *testing.T) {
	if os.Getenv("EGRESS_ALONE") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCanariesHearNothing$", "-test.v")
		cmd.Env = append(os.Environ(), "EGRESS_ALONE=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	lo, err := nl.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := nl.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
	for _, c := range canaries {
		ip := net.ParseIP(c)
		bits := 128
		if ip.To4() != nil {
			bits = 32
		}
		to := &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)}
		if c == ours || c == ours6 {
			err = nl.AddrAdd(lo, &nl.Addr{IPNet: to})
		} else {
			// Others': reached over this device, and no address of this machine's.
			err = nl.RouteReplace(&nl.Route{LinkIndex: lo.Attrs().Index, Dst: to, Type: syscall.RTN_LOCAL, Table: syscall.RT_TABLE_LOCAL, Scope: nl.SCOPE_HOST})
		}
		if err != nil && bits == 32 {
			t.Errorf("%s: %v", c, err)
		}
	}
	var hits atomic.Int64
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary")
			c.Close()
		}
	}()
	// The listener hears: else silence would prove nothing.
	for _, c := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", ours} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", c+":80")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(conn)
		conn.Close()
	}
	if hits.Swap(0) != 4 {
		t.Fatal("the canaries are deaf")
	}

	rules, err := Parse([]string{"*", "8.8.4.4"})
	if err != nil {
		t.Fatal(err)
	}
	var lookups atomic.Int64
	p := &Proxy{Rules: []Rules{rules}, Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		lookups.Add(1)
		if host == "rebind.example" { // public while it is looked at, and the canary's at the next look
			if lookups.Load() == 1 {
				return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		var n int
		if _, err := fmt.Sscanf(host, "canary%d.example", &n); err != nil {
			return nil, err
		}
		first := netip.MustParseAddr("93.184.216.34") // with a decoy before it
		mapped := netip.AddrFrom16(netip.MustParseAddr(canaries[n]).As16())
		return []netip.Addr{first, mapped}, nil
	}}
	ask(t, p, "GET http://rebind.example/ HTTP/1.1\r\nHost: rebind.example\r\n\r\n")
	if n := lookups.Load(); n != 1 {
		t.Errorf("a name was looked up %d times for one connection", n)
	}
	targets := []string{
		"localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "0", "0.0.0.0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]", "[fd00::1]",
		"169.254.169.254", "2852039166", "8.8.4.4", "canary0.example@127.0.0.1",
	}
	for i := range canaries {
		targets = append(targets, fmt.Sprintf("canary%d.example", i))
	}
	for _, host := range targets {
		for _, request := range []string{
			"GET http://" + host + "/ HTTP/1.1\r\nHost: allowed.example\r\n\r\n",
			"CONNECT " + host + ":80 HTTP/1.1\r\nHost: allowed.example\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
		} {
			if status := ask(t, p, request); status == http.StatusOK {
				t.Errorf("%q is answered with %d", request, status)
			}
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the canaries heard %d connections", n)
	}
}

// pair is the proxy's end of a connection.
type pair struct{ net.Conn }

func (p pair) CloseWrite() error { return nil }

func ask(t *testing.T, p *Proxy, request string) int {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go p.Serve(t.Context(), pair{theirs})
	if _, err := io.WriteString(ours, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
