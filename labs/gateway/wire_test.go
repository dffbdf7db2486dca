package gateway_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// What the server offers, read off the wire: nothing broken, strict key
// exchange, and a post-quantum one.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "SSH-2.0-check\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	banner, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(banner, "SSH-2.0-OpenSSH_9.9-cmh") {
		t.Errorf("banner %q, %v", banner, err)
	}
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:4])-1)
	if _, err := io.ReadFull(r, body); err != nil || body[0] != 20 {
		t.Fatalf("not a KEXINIT: %v", err)
	}
	names := []string{"kex", "host key", "cipher in", "cipher out", "mac in", "mac out"}
	lists := map[string][]string{}
	rest := body[17:]
	for _, n := range names {
		l := binary.BigEndian.Uint32(rest)
		lists[n] = strings.Split(string(rest[4:4+l]), ",")
		rest = rest[4+l:]
	}
	for n, list := range lists {
		for _, a := range list {
			for _, bad := range []string{"sha1", "-cbc", "arcfour", "3des", "ssh-dss", "md5", "nistp", "group1-", "group14"} {
				if strings.Contains(a, bad) {
					t.Errorf("%s offers %s", n, a)
				}
			}
			if a == "none" || a == "ssh-rsa" {
				t.Errorf("%s offers %s", n, a)
			}
		}
	}
	if !slices.Contains(lists["kex"], "kex-strict-s-v00@openssh.com") || !slices.Contains(lists["kex"], "mlkem768x25519-sha256") {
		t.Errorf("key exchange: %v", lists["kex"])
	}
}

func TestSessionsPerConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	c := w.client("x", w.alice)
	var open []*gossh.Session
	for range 10 {
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("the 11th session: %v", err)
	}
	open[0].Close()
	until(t, "a place is free again", func() bool {
		s, err := c.NewSession()
		if err == nil {
			s.Close()
		}
		return err == nil
	})
}

func TestConnectionsPerUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	for range 20 {
		if r := run(t, w.client("x", w.alice), "x"); r.status != 9 {
			t.Fatalf("%+v", r)
		}
	}
	// Another way in, the same account.
	cert := w.certificate(t, signer(t), func(*gossh.Certificate) {})
	if r := run(t, w.client(alices, cert), "true"); r.status != 75 || !strings.Contains(r.err, "too many connections") {
		t.Errorf("the 21st connection: %+v", r)
	}
	if r := run(t, w.client(bobs, w.bob), "true"); r.status != 0 {
		t.Errorf("somebody else: %+v", r)
	}
}

func TestStrangersPerMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{GuestsPerMinute: 1}) // so that a slow machine gains next to nothing
	refused := 0
	for range 12 {
		if r := run(t, w.client("x", signer(t)), "x"); r.status == 75 {
			refused++
		}
	}
	if refused < 6 || !strings.Contains(w.log.String(), "too many without an account") {
		t.Errorf("%d of 12 refused", refused)
	}
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 0 {
		t.Errorf("a learner at the same address: %+v", r)
	}
}

// Sockets that say nothing are closed, and keep nobody out meanwhile.
func TestSilentSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{Handshakes: 20, GuestsPerMinute: 3})
	var silent []net.Conn
	for i := range 60 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "SSH-2.0-silent\r\n")
		}
		silent = append(silent, c)
	}
	until(t, "all of them have come in", func() bool {
		return strings.Count(w.log.String(), "ssh handshake failed") >= 40
	})
	if r := run(t, w.client("x"), "x"); r.status != 9 {
		t.Errorf("a guest meanwhile: %+v", r)
	}
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 0 {
		t.Errorf("a login meanwhile: %+v", r)
	}
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Minute))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatal("a silent connection was left open")
		}
	}
}

func TestDeadClientEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{KeepAlive: 100 * time.Millisecond, KeepAliveTimeout: 10 * time.Second})
	// A client that answers lives on.
	alive := w.client(bobs, w.bob)
	s, err := alive.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("cat >/dev/null; exit 3"); err != nil {
		t.Fatal(err)
	}

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pipe := proxyConn(t, conn)
	c, chans, reqs, err := gossh.NewClientConn(pipe, w.addr, &gossh.ClientConfig{
		User: alices, Auth: []gossh.AuthMethod{gossh.PublicKeys(w.alice)}, HostKeyCallback: gossh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := gossh.NewClient(c, chans, reqs)
	defer client.Close()
	sess, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := sess.Shell(); err != nil {
		t.Fatal(err)
	}
	until(t, "the terminal is attached", func() bool { return w.seen() == "+box-a" })
	pipe.freeze()
	until(t, "the dead client's session has ended", func() bool { return w.seen() == "+box-a -box-a" })

	in.Close()
	if got := exitStatus(s.Wait()); got != 3 {
		t.Errorf("the living one: status %d", got)
	}
}

// frozen is a connection through a relay that can stop passing anything on.
type frozen struct {
	net.Conn
	freeze func()
}

func proxyConn(t *testing.T, far net.Conn) frozen {
	t.Helper()
	near, relay := net.Pipe()
	stop := make(chan struct{})
	pass := func(dst, src net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			select {
			case <-stop: // taken, and lost
			default:
				if _, err := dst.Write(buf[:n]); err != nil {
					return
				}
			}
		}
	}
	go pass(far, relay)
	go pass(relay, far)
	t.Cleanup(func() { near.Close(); relay.Close() })
	return frozen{near, func() { close(stop) }}
}

func TestAgentForwardingAndX11AreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	for _, user := range []string{alices, "lobby"} {
		s, err := w.client(user, w.alice).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "subsystem"} {
			payload := []byte(nil)
			if kind == "subsystem" { // the platform's own door
				payload = gossh.Marshal(struct{ Name string }{"cmh-control"})
			}
			if ok, err := s.SendRequest(kind, true, payload); ok || err != nil {
				t.Errorf("%s as %s: granted %v, %v", kind, user, ok, err)
			}
		}
	}
}
