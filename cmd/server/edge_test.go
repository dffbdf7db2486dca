package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/porttest"
)

// onDatabase is a server with a database of the PostgreSQL that all tests share:
// it starts sooner, and several of them can have the same.
func onDatabase(t *testing.T, url string, env ...string) *process {
	t.Helper()
	s := newServer(t)
	s.env = append(append(s.env, "CMH_DATABASE_URL="+url), env...)
	return s
}

// writeCertificate makes a certificate for localhost that nobody vouches for.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		// As those who renew certificates do: a whole file takes the other's place.
		if err := os.WriteFile(filepath.Join(dir, file+".new"), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, file+".new"), filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
}

// certificateOf is what a server shows of itself, by that version of TLS.
func certificateOf(t *testing.T, url string, version uint16) (name string, err error) {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}}}
	c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "https://"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0], nil
}

// The API speaks TLS 1.3 with the operator's certificate, and goes on with its
// successor without a restart.
func TestTLSWithOwnCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCertificate(t, dir, "first.example")
	s := onDatabase(t, database(t), "CMH_TLS_CERT="+filepath.Join(dir, "cert.pem"), "CMH_TLS_KEY="+filepath.Join(dir, "key.pem"),
		"CMH_REDIRECT_ADDR=127.0.0.1:"+porttest.Free(t), "CMH_PUBLIC_URL=https://hub.example.com")
	redirect := "http://" + strings.TrimPrefix(s.env[len(s.env)-2], "CMH_REDIRECT_ADDR=")
	s.start()
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("it says it is at %s", s.url)
	}
	if name, err := certificateOf(t, s.url, tls.VersionTLS13); err != nil || name != "first.example" {
		t.Errorf("it shows %q, %v", name, err)
	}
	if _, err := certificateOf(t, s.url, tls.VersionTLS12); err == nil {
		t.Error("it speaks TLS 1.2")
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || !strings.Contains(resp.Header.Get("Strict-Transport-Security"), "max-age=") {
		t.Errorf("%s %s %v", resp.Status, resp.Proto, resp.Header)
	}

	if status, head, _ := fetch(t, "GET", redirect+"/device?user_code=X", ""); status != http.StatusPermanentRedirect || head.Get("Location") != "https://hub.example.com/device?user_code=X" {
		t.Errorf("without TLS: %d %v", status, head)
	}
	if status, _, _ := fetch(t, "POST", redirect+"/v1/auth/login", `{"email":"a@example.com"}`); status != http.StatusBadRequest {
		t.Errorf("a password without TLS: %d", status)
	}

	writeCertificate(t, dir, "second.example")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the new certificate is shown", func() bool {
		name, err := certificateOf(t, s.url, tls.VersionTLS13)
		return err == nil && name == "second.example"
	})
	// Half a certificate is none, and the last one serves on.
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("-----BEGIN CERT"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if name, err := certificateOf(t, s.url, tls.VersionTLS13); err != nil || name != "second.example" {
		t.Errorf("with a broken file it shows %q, %v", name, err)
	}
	s.stop()
}

// Pages of the origins that the operator names may read the API, and no others;
// none ever sends credentials along.
func TestOnlyNamedOriginsRead(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), "CMH_CORS_ORIGINS=https://app.example.com, http://localhost:3000")
	s.start()
	for origin, named := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "https://app.example.com.evil.net": false, "http://app.example.com": false,
		"https://APP.example.com": false, "null": false, "https://evil.net": false,
	} {
		_, head, _ := fetch(t, "GET", s.url+"/v1/courses", "", "Origin", origin)
		if got := head.Get("Access-Control-Allow-Origin"); (got == origin) != named || !named && got != "" {
			t.Errorf("%s: allowed is %q", origin, got)
		}
		status, pre, _ := fetch(t, "OPTIONS", s.url+"/v1/users/progress", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,idempotency-key")
		if ok := status == http.StatusNoContent; ok != named {
			t.Errorf("%s asks first: %d", origin, status)
		}
		if named && (!strings.Contains(pre.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(pre.Get("Access-Control-Allow-Methods"), "DELETE") ||
			!strings.Contains(head.Get("Access-Control-Expose-Headers"), "RateLimit")) {
			t.Errorf("%s: %v %v", origin, pre, head)
		}
		for _, h := range []http.Header{head, pre} {
			if h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
				t.Errorf("%s: %v", origin, h)
			}
		}
	}
	s.stop()
	for _, wrong := range []string{"app.example.com", "https://app.example.com/", "https://*.example.com", "HTTPS://app.example.com"} {
		if out, err := s.run("", "serve", "--cors-origins", wrong); err == nil || !strings.Contains(out, "cors-origins") {
			t.Errorf("%s: %v %s", wrong, err, out)
		}
	}
}

// A proxy that the operator names says whom it brings, before the first byte;
// from others, the same words are a bad request. Whom it brings has no say in
// who they are, in the network of the proxies or not.
func TestProxiesAnnounceTheirClients(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), "CMH_TRUSTED_PROXIES=127.0.0.1,203.0.113.0/24", "CMH_PROXY_PROTOCOL=api", "CMH_API_ADDR=[::]:0", "CMH_LOG_LEVEL=info", "CMH_DRAIN=0s")
	s.start()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from, announced string) string {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%sGET /v1/version HTTP/1.1\r\nHost: x\r\nX-Request-Id: from-%s\r\nX-Forwarded-For: 198.51.100.9\r\nConnection: close\r\n\r\n", announced, from)
		b, err := io.ReadAll(c)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	const announced = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n"
	if got := ask("127.0.0.1", announced); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("announced by the proxy: %s", got)
	}
	if got := ask("127.0.0.1", ""); strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Error("the proxy brought somebody unannounced")
	}
	if got := ask("127.0.0.9", announced); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("announced by a stranger: %s", got)
	}
	if got := ask("127.0.0.9", ""); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("a stranger as themselves: %s", got)
	}
	s.stop()
	for id, network := range map[string]string{"from-127.0.0.1": "203.0.113.0/24", "from-127.0.0.9": "127.0.0.0/24"} {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, id) && !strings.Contains(line, network) {
				t.Errorf("%s is not of %s: %s", id, network, line)
			}
		}
		if !strings.Contains(s.log.String(), id) {
			t.Errorf("no line of %s", id)
		}
	}
	if out, err := s.run("", "serve", "--trusted-proxies", ""); err == nil && !strings.Contains(out, "proxy-protocol needs") {
		t.Errorf("from nobody: %v %s", err, out)
	}
}

// Whoever dribbles is closed, whoever rests between two requests is not, and a
// thousand of the former keep nobody from an answer.
func TestSlowPeers(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t))
	s.start()
	addr := strings.TrimPrefix(s.url, "http://")
	dial := func() net.Conn {
		t.Helper()
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	resting := dial()
	answers := bufio.NewReader(resting)
	get := func() {
		t.Helper()
		fmt.Fprint(resting, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("the resting connection: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	get()
	many, thorough := 100, os.Getenv("CMH_TEST_THOROUGH") != ""
	if thorough {
		many = 1000
	}
	// p95 is how long most of some requests take.
	p95 := func() time.Duration {
		t.Helper()
		took := make([]time.Duration, 100)
		for i := range took {
			began := time.Now()
			if status, _, _ := fetch(t, "GET", s.url+"/v1/courses", ""); status != http.StatusOK {
				t.Errorf("beside slow peers: %d", status)
			}
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		return took[94]
	}
	slow := make([]net.Conn, many)
	for try := 1; ; try++ {
		alone := p95()
		for i := range slow {
			slow[i] = dial()
			fmt.Fprint(slow[i], "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
		beside := p95()
		if !thorough || beside <= 2*alone+5*time.Millisecond {
			break
		}
		// What else this machine does meanwhile isn't ours to bound: it won't do
		// it three times.
		if try == 3 {
			t.Errorf("an answer takes %v beside %d slow peers, and %v without", beside, many, alone)
			break
		}
		for _, c := range slow {
			_ = c.Close()
		}
	}
	// One goes on, a letter at a time, until it is told to go.
	ctx, cancel := context.WithCancel(t.Context())
	dribbled := make(chan struct{})
	go func() {
		defer close(dribbled)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if _, err := slow[0].Write([]byte("x")); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Minute))
		if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
			t.Fatalf("slow peer %d was never closed", i)
		}
	}
	cancel()
	<-dribbled
	get() // it has rested for longer than anybody dribbled

	// Half a body is waited for half a minute; what was asked is answered then.
	if thorough {
		half := dial()
		fmt.Fprint(half, "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		_ = half.SetReadDeadline(time.Now().Add(5 * time.Minute))
		var got bytes.Buffer
		if _, err := io.Copy(&got, half); err != nil && os.IsTimeout(err) || !strings.HasPrefix(got.String(), "HTTP/1.1 400") {
			t.Errorf("half a body: %v %s", err, &got)
		}
	}
	s.stop()
}
