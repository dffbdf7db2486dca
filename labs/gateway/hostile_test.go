package gateway_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// said is what a client may put wherever it says something: more than anybody
// asks for, what isn't of the form that it should be, what a terminal obeys.
var said = map[string][]byte{
	"nothing":         nil,
	"cut off":         {0, 0},
	"longer than all": {255, 255, 255, 255, 'x'},
	"a long text":     gossh.Marshal(struct{ Text string }{strings.Repeat("x", 200<<10)}),
	"long and none":   bytes.Repeat([]byte{255}, 200<<10),
	"zeros":           make([]byte, 64),
	"escapes":         gossh.Marshal(struct{ Text string }{"\x1b]0;owned\a\x1b[2J\u009b31m\u202e\xff\x00"}),
	"two escapes":     gossh.Marshal(struct{ Name, Value string }{"LC_\x1b[2J", "\x1b]52;c;AAAA\a"}),
	"a terminal": gossh.Marshal(struct {
		Term             string
		Columns, Rows, X uint32
		Y                uint32
		Modes            string
	}{"xterm", 80, 24, 0, 0, strings.Repeat("\x01", 100<<10)}),
}

// Whatever a client says in whichever request, it is answered, and neither its
// connection nor anybody else is the worse for it. What it said isn't in the log
// as it was said.
func TestRequestsOfAnyBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 100})
	for _, user := range []string{alices, "lobby", bobs, "watch-" + bobs} { // in, before, outside and beside a lab
		c := w.client(user, w.alice)
		for _, kind := range []string{
			"env", "pty-req", "window-change", "signal", "break", "subsystem", "exec", "eow@openssh.com", "x11-req", "auth-agent-req@openssh.com", "exit-status",
			"", "\x1b]0;owned\a", "\xff\xfe", strings.Repeat("x", 40<<10),
		} {
			for what, payload := range said {
				var (
					ch      gossh.Channel
					replies <-chan *gossh.Request
				)
				until(t, "there is a place for a session", func() bool {
					var err error
					ch, replies, err = c.OpenChannel("session", nil)
					if refused := (*gossh.OpenChannelError)(nil); err != nil && !errors.As(err, &refused) {
						t.Fatalf("%s, %.20q, %s: the connection is gone: %v", user, kind, what, err)
					}
					return err == nil
				})
				go gossh.DiscardRequests(replies)
				go func() { _, _ = io.Copy(io.Discard, ch.Stderr()) }()
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = io.Copy(io.Discard, ch)
				}()
				// A channel that its end has closed is an answer too.
				ok, err := ch.SendRequest(kind, true, payload)
				if err != nil && !errors.Is(err, io.EOF) {
					t.Errorf("%s, %.20q, %s: %v", user, kind, what, err)
				}
				known := kind == "env" || kind == "pty-req" || kind == "exec" || kind == "window-change" || kind == "subsystem"
				if ok && !known {
					t.Errorf("%s is granted %.20q with %s", user, kind, what)
				}
				_ = ch.Close()
				<-done
			}
		}
		if r := run(t, c, "true"); r.status == -1 {
			t.Errorf("%s afterwards: %+v", user, r)
		}
	}
	for _, kind := range []string{"session\x00", "\x1b]0;owned\a", "\xff", strings.Repeat("x", 40<<10), "direct-tcpip"} {
		for what, payload := range said {
			c := w.client(alices, w.alice)
			var refused *gossh.OpenChannelError
			if _, _, err := c.OpenChannel(kind, payload); !errors.As(err, &refused) {
				t.Errorf("a channel %.20q with %s: %v", kind, what, err)
			}
			if ok, _, err := c.SendRequest(kind, true, payload); ok || err != nil {
				t.Errorf("%.20q of a connection is granted with %s: %v", kind, what, err)
			}
			if r := run(t, c, "echo alive"); r.out != "alive\n" {
				t.Errorf("after a channel %.20q with %s: %+v", kind, what, r)
			}
			c.Close()
		}
	}
	if r := run(t, w.client(bobs, w.bob), "echo here"); r.out != "here\n" {
		t.Errorf("somebody else: %+v", r)
	}
	w.logIsClean()
}

// A handshake is told about in the log as it fails, and what fails it is what a
// client says.
func TestHandshakesOfAnyBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	evil := "\x1b]0;owned\a\u009b2J\u202e"
	for _, first := range []string{
		"SSH-2.0-x\r\n" + keyExchange(evil+","+strings.Repeat("x", 100<<10)),
		"SSH-2.0-x\r\n" + keyExchange("curve25519-sha256", evil+",\xff\xfe"),
		"SSH-2.0-x\r\n" + keyExchange("curve25519-sha256", "ssh-ed25519", evil+","+strings.Repeat("x", 1000)),
		"SSH-2.0-" + evil + "\r\n" + keyExchange(evil),
		"SSH-" + evil + "\r\n",
		"SSH-2.0-x\r\n" + strings.Repeat("\xff", 1000),
		"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a" + evil,
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, first); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, conn) // until it is closed, by a reset or not
		conn.Close()
	}
	for _, name := range []string{evil, "\xff\xfe", "watch-" + evil, alices + "+" + evil, "\u202e" + alices, "\u2066", "\U000E0041", "a\u0085b\u2028c\x7fd"} {
		if _, err := w.dial(name, w.certificate(t, signer(t), func(c *gossh.Certificate) { c.ValidPrincipals = []string{evil + name} })); err == nil {
			t.Errorf("a certificate for something else is one for %q", name)
		}
		if r := run(t, w.client(name, w.alice), "x"); r.status != 9 && r.status != 5 {
			t.Errorf("%q: %+v", name, r)
		}
		if r := run(t, w.client(name), "x"); r.status != 9 && r.status != 5 {
			t.Errorf("%q, a guest: %+v", name, r)
		}
	}
	until(t, "all failures are told of", func() bool { return strings.Count(w.log.String(), "ssh handshake failed") >= 7+8 })
	w.logIsClean()
}

// keyExchange is a client's first packet, with these lists of algorithms.
func keyExchange(lists ...string) string {
	payload := append([]byte{20}, make([]byte, 16)...)
	for i := range 10 {
		list := ""
		if i < len(lists) {
			list = lists[i]
		}
		payload = append(payload, gossh.Marshal(struct{ List string }{list})...)
	}
	payload = append(payload, make([]byte, 5)...)
	pad := 16 - (len(payload)+5)%8
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	packet = append(packet, byte(pad))
	return string(append(append(packet, payload...), make([]byte, pad)...))
}

// logIsClean fails the test where the log holds what a terminal obeys, or more than
// a line of what a client said.
func (w *world) logIsClean() {
	w.t.Helper()
	log := w.log.String()
	if !utf8.ValidString(log) {
		w.t.Error("the log isn't text")
	}
	for line := range strings.Lines(log) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > 1000 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			w.t.Errorf("in the log: %.1000q", line)
		}
	}
	// As the log of this test writes what others would not; but SSH's library quotes
	// what it tells of a client, which is written so once more.
	if m := regexp.MustCompile(`[^\\]\\(u009b|u202e|u2066|x1b|u001b|x00|a)`).FindString(log); m != "" {
		w.t.Errorf("%s came as far as the log", m)
	}
}
