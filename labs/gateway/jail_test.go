package gateway_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/labs/porttest"
)

// canary listens on this machine and counts who comes.
type canary struct {
	net.Listener
	mu   sync.Mutex
	hits int
}

func newCanary(t *testing.T, network, at string) *canary {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), network, at)
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.hits++
			c.mu.Unlock()
			_, _ = io.WriteString(conn, "the host\n")
			conn.Close()
		}
	}()
	return c
}

func (c *canary) port() string {
	_, port, _ := net.SplitHostPort(c.Addr().String())
	return port
}

func (c *canary) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits
}

// What is forwarded comes out in the lab and nowhere else: not on this machine's
// loopback, where the API and the database listen, however the address is
// written and by whatever door of SSH one asks.
func TestForwardingStaysInside(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	w.sandboxes(labs.Spec{ID: "box-a"})
	host := newCanary(t, "tcp", "0.0.0.0:0")
	c := w.client(alices, w.alice)
	if got := run(t, c, `setsid python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 8088))
open("/tmp/ready", "w")
while True:
    c, _ = s.accept()
    c.sendall(b"the lab\n")
    c.close()
' >/dev/null 2>&1 & for i in $(seq 600); do test -e /tmp/ready && break; sleep 0.1; done`); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	for _, name := range []string{"127.0.0.1", "localhost"} {
		if r := w.openssh(strings.NewReader(""), "ssh", "-W", name+":8088", alices+"@HOST"); r.out != "the lab\n" {
			t.Errorf("-W %s: %+v", name, r)
		}
		if r := w.openssh(strings.NewReader(""), "ssh", "-W", name+":"+host.port(), alices+"@HOST"); r.status == 0 || r.out != "" {
			t.Errorf("-W to this machine as %s: %+v", name, r)
		}
	}
	port, _ := strconv.Atoi(host.port())
	names := []string{
		"127.0.0.1", "localhost", "::1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "LOCALHOST", "localhost.", "",
		"169.254.169.254", "metadata.google.internal", "10.0.0.1", "172.17.0.1", "192.168.0.1", "host.docker.internal", "127.0.0.1\x00.example.org", "[::1]",
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil {
			names = append(names, ip.String())
		}
	}
	for _, name := range names {
		for _, p := range []int{port, 0, 65536 + port} {
			ch, _, err := c.OpenChannel("direct-tcpip", gossh.Marshal(struct {
				Host       string
				Port       uint32
				Origin     string
				OriginPort uint32
			}{name, uint32(p), "127.0.0.1", 1}))
			if err == nil {
				t.Errorf("%q port %d was reached", name, p)
				ch.Close()
			}
		}
	}
	// -D and -L of the stock client, while it runs a command.
	for name, args := range map[string][]string{
		"-D": {"-D", "127.0.0.1:" + porttest.Free(t)},
		"-L": {"-L", "127.0.0.1:" + porttest.Free(t) + ":127.0.0.1:" + host.port()},
	} {
		at := strings.Join(strings.Split(args[1], ":")[:2], ":")
		done := make(chan result, 1)
		go func() {
			done <- w.openssh(nil, "ssh", append(args, "-o", "ExitOnForwardFailure=yes", alices+"@HOST", "until test -e /tmp/over; do sleep 0.1; done; rm /tmp/over")...)
		}()
		ask := ""
		if name == "-D" { // SOCKS 5: no authentication, connect to 127.0.0.1
			ask = "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + string([]byte{byte(port >> 8), byte(port)})
		}
		if got := say(t, at, ask); strings.Contains(got, "the host") {
			t.Errorf("%s: %q", name, got)
		}
		run(t, c, "touch /tmp/over")
		if r := <-done; r.status != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if n := host.heard(); n > 0 {
		t.Errorf("this machine was reached %d times", n)
	}
}

// say connects as soon as somebody listens, says something and returns what it
// hears.
func say(t *testing.T, at, what string) string {
	t.Helper()
	var conn net.Conn
	until(t, at+" listens", func() (ok bool) {
		var err error
		conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", at)
		return err == nil
	})
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	_, _ = io.WriteString(conn, what)
	b, _ := io.ReadAll(conn)
	return string(b)
}

// Sessions and forwarding are all there is: every other door of SSH is shut, in a
// lab and in the lobby, those that the gateway and the agent use between them too.
func TestOtherDoorsAreShut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	for _, user := range []string{alices, "lobby"} {
		c := w.client(user, w.alice)
		for _, kind := range []string{
			"direct-streamlocal@openssh.com", "forwarded-tcpip", "forwarded-streamlocal@openssh.com", "x11", "auth-agent@openssh.com", "auth-agent", "tun@openssh.com",
			proto.DeskLine, proto.DeskCall, proto.EgressLine, proto.EgressCall, proto.Subsystem, "", strings.Repeat("x", 1000),
		} {
			ch, _, err := c.OpenChannel(kind, gossh.Marshal(struct {
				Path   string
				Unused string
				N      uint32
			}{"/run/postgresql/.s.PGSQL.5432", "", 0}))
			var refused *gossh.OpenChannelError
			if !errors.As(err, &refused) {
				t.Errorf("%s opens %q: %v", user, kind, err)
				if err == nil {
					ch.Close()
				}
			}
		}
		for _, kind := range []string{
			"tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com", "no-more-sessions@openssh.com",
			"hostkeys-prove-00@openssh.com", "lab-hold", "",
		} {
			if ok, _, err := c.SendRequest(kind, true, gossh.Marshal(struct {
				Host string
				Port uint32
			}{"127.0.0.1", 0})); ok || err != nil {
				t.Errorf("%s is granted %q: %v", user, kind, err)
			}
		}
		if r := run(t, c, "x"); r.status == -1 {
			t.Errorf("%s afterwards: %+v", user, r)
		}
	}
}

// Copies happen in the lab: a link there, a path that goes up, lead to the lab's
// own files, and what lies on this machine is neither read nor written, by
// whichever protocol and in either direction.
func TestCopiesStayInside(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	w.sandboxes(labs.Spec{ID: "box-a"})
	dir, err := os.MkdirTemp("/var/tmp", "cmh-canary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("the host's"), 0o600), os.Chmod(secret, 0o666)); err != nil { // anybody could, from here
		t.Fatal(err)
	}
	mine := filepath.Join(w.home, "mine")
	if err := os.WriteFile(mine, []byte("the learner's"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 30)
	c := w.client(alices, w.alice)
	if r := run(t, c, "ln -s "+secret+" leaf; ln -s "+dir+" folder; ln -s / root; ln -s /proc/1/root init; ln -s "+up+dir[1:]+" above"); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	paths := []string{secret, up + secret[1:], "leaf", "folder/secret", "root" + secret, "init" + secret, "above/secret", "/proc/self/root" + secret, "/proc/1/root" + secret}
	for _, old := range [][]string{{}, {"-O"}} {
		for _, path := range paths {
			got := filepath.Join(w.home, "got")
			if r := w.openssh(nil, "scp", append(old, alices+"@HOST:"+path, got)...); r.status == 0 {
				t.Errorf("scp %v from %s: %+v", old, path, r)
			}
			if b, err := os.ReadFile(got); err == nil {
				t.Errorf("scp %v from %s: %q", old, path, b)
			}
			w.openssh(nil, "scp", append(old, mine, alices+"@HOST:"+path)...)
			w.openssh(nil, "scp", append(old, "-r", w.home, alices+"@HOST:"+filepath.Dir(path)+"/new")...)
		}
		if r := w.openssh(nil, "scp", append(old, mine, "root@HOST:x")...); r.status == 0 {
			t.Errorf("scp %v to the lobby: %+v", old, r)
		}
		if r := w.openssh(nil, "scp", append(old, "root@HOST:/etc/passwd", filepath.Join(w.home, "got"))...); r.status == 0 {
			t.Errorf("scp %v from the lobby: %+v", old, r)
		}
	}
	var batch bytes.Buffer
	for _, path := range paths {
		batch.WriteString("-get " + path + " got\n-rm " + path + "\n-chmod 600 " + path + "\n-put mine " + path + "\n-ls " + filepath.Dir(path) + "\n-rename mine " + path + "\n")
	}
	if r := w.openssh(&batch, "sftp", "-b", "-", alices+"@HOST"); strings.Contains(r.out, "the host") {
		t.Errorf("sftp: %+v", r)
	}
	if b, err := os.ReadFile(filepath.Join(w.home, "got")); err == nil && bytes.Contains(b, []byte("the host")) {
		t.Errorf("got %q", b)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the secret lie %v, %v", entries, err)
	}
	info, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "the host's" || info.Mode() != 0o666 {
		t.Errorf("the secret is %q, %v, %v", b, info.Mode(), err)
	}
}
