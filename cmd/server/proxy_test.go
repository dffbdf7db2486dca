package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

var sshLine = regexp.MustCompile(`, SSH (\S+?),`)

// withLabs is what makes a server open its SSH door: labs, of which none waits.
func withLabs(env ...string) []string {
	return append(env, "CMH_LAB_DRIVER=local", "CMH_LAB_WARM=0", "CMH_LAB_AGENT="+os.Getenv("CMH_LAB_AGENT"), "CMH_IMAGE_DIR="+os.Getenv("CMH_IMAGE_DIR"))
}

// At the SSH door as at the API's: whom a named proxy announces is who the log
// and the limits mean. A stranger who announces somebody gets no session, and a
// proxy that announces nobody none either.
func TestProxiesAnnounceTheirSSHClients(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), withLabs("CMH_TRUSTED_PROXIES=127.0.0.1", "CMH_PROXY_PROTOCOL=ssh", "CMH_LIMIT_GUEST=2", "CMH_LOG_LEVEL=info")...)
	s.start()
	addr := sshLine.FindStringSubmatch(s.line)[1]

	// visit asks for the courses as a guest does, and says with which status that ends.
	visit := func(from, announced string) (status int, err error) {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(3 * time.Minute))
		fmt.Fprint(c, announced)
		conn, channels, requests, err := gossh.NewClientConn(c, addr, &gossh.ClientConfig{
			User: "guest", HostKeyCallback: gossh.InsecureIgnoreHostKey(), //nolint:gosec // a test's own server
			Auth: []gossh.AuthMethod{gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil })},
		})
		if err != nil {
			return 0, err
		}
		client := gossh.NewClient(conn, channels, requests)
		defer client.Close()
		session, err := client.NewSession()
		if err != nil {
			return 0, err
		}
		defer session.Close()
		err = session.Run("course list")
		if exit, ok := errors.AsType[*gossh.ExitError](err); ok {
			return exit.ExitStatus(), nil
		}
		return 0, err
	}
	binary := string([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x08\xc0\x00\x02\x01\x12\x67\x00\x16")) // 203.0.113.8
	for i, c := range []struct {
		from, announced string
		status          int
		refused         bool
	}{
		{from: "127.0.0.1", announced: "PROXY TCP4 203.0.113.7 192.0.2.1 4711 22\r\n"},
		{from: "127.0.0.1", announced: "PROXY TCP4 203.0.113.7 192.0.2.1 4712 22\r\n"},
		{from: "127.0.0.1", announced: "PROXY TCP4 203.0.113.7 192.0.2.1 4713 22\r\n", status: 75}, // one address, one quota
		{from: "127.0.0.1", announced: binary},
		{from: "127.0.0.1", announced: "PROXY TCP6 2001:db8::7 2001:db8::1 4711 22\r\n"},
		{from: "127.0.0.1", refused: true},
		{from: "127.0.0.1", announced: "PROXY TCP4 203.0.113.300 192.0.2.1 4711 22\r\n", refused: true},
		{from: "127.0.0.9", announced: "PROXY TCP4 203.0.113.9 192.0.2.1 4711 22\r\n", refused: true},
		{from: "127.0.0.9", announced: binary, refused: true},
		{from: "127.0.0.9"},
	} {
		status, err := visit(c.from, c.announced)
		if (err != nil) != c.refused || status != c.status {
			t.Errorf("%d, %s announces %q: status %d, %v", i, c.from, c.announced, status, err)
		}
	}
	s.stop()
	for source, logins := range map[string]int{"203.0.113.7": 3, "203.0.113.8": 1, "2001:db8::/64": 1, "203.0.113.9": 0, "127.0.0.9": 1, "127.0.0.1": 0} {
		n := 0
		for line := range bytes.Lines(s.log.Bytes()) {
			if bytes.Contains(line, []byte(`"ssh login"`)) && bytes.Contains(line, []byte(`"source":"`+source+`"`)) {
				n++
			}
		}
		if n != logins {
			t.Errorf("%s has logged in %d times, not %d:\n%s", source, n, logins, &s.log)
		}
	}
	if strings.Contains(s.log.String(), "203.0.113.9") {
		t.Error("the log believes a stranger")
	}
}
