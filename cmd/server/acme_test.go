package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/porttest"
)

// An authority is Pebble, which says of whoever controls a name that it is
// theirs, by the rules of Let's Encrypt. All names lead to this machine.
type authority struct {
	directory string // where its API is
	trust     string // a file: what vouches for that
	roots     *x509.CertPool
	log       strings.Builder // read it once pebble has ended
	pebble    *exec.Cmd
}

// newAuthority starts one that asks hubs at those ports and whose certificates
// live for that long.
func newAuthority(t *testing.T, apiPort, redirectPort string, life time.Duration) *authority {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	build.Dir, build.Env = "../../deploy/acme", append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	writeCertificate(t, dir, "localhost")
	listen, manage, dns := "127.0.0.1:"+porttest.Free(t), "127.0.0.1:"+porttest.Free(t), "127.0.0.1:"+porttest.Free(t)
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": dir + "/cert.pem", "privateKey": dir + "/key.pem",
		"httpPort": json.Number(redirectPort), "tlsPort": json.Number(apiPort), "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pebble.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	a := &authority{directory: "https://" + listen + "/dir", trust: dir + "/cert.pem", roots: x509.NewCertPool()}
	names := exec.CommandContext(t.Context(), dir+"/pebble-challtestsrv", "-dnsserver", dns, "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "",
		"-management", "127.0.0.1:"+porttest.Free(t))
	a.pebble = exec.CommandContext(t.Context(), dir+"/pebble", "-strict", "-config", dir+"/pebble.json", "-dnsserver", dns)
	a.pebble.Env = []string{"PEBBLE_VA_NOSLEEP=1"}
	a.pebble.Stdout, a.pebble.Stderr = &a.log, &a.log
	for _, cmd := range []*exec.Cmd{names, a.pebble} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		})
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	until(t, "the authority shows its root", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+manage+"/roots/0", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return err == nil && a.roots.AppendCertsFromPEM(b)
	})
	return a
}

// hubOf is a server that has its certificates from there.
func (a *authority) hubOf(t *testing.T, apiPort, redirectPort string) *process {
	t.Helper()
	s := onDatabase(t, database(t), "CMH_API_ADDR=127.0.0.1:"+apiPort, "CMH_REDIRECT_ADDR=127.0.0.1:"+redirectPort, "CMH_PUBLIC_URL=https://hub.example.com",
		"CMH_ACME_HOSTS=hub.example.com, learn.example.com", "CMH_ACME_EMAIL=operator@example.com", "CMH_ACME_DIRECTORY="+a.directory, "SSL_CERT_FILE="+a.trust, "SSL_CERT_DIR=/nowhere", "CMH_DRAIN=0s")
	s.start()
	return s
}

// shown is the certificate that a server shows as host, over that version of
// TLS. It has been vouched for by the authority, which is held to the time that
// the certificate was made for.
func (a *authority) shown(t *testing.T, s *process, host string, version uint16) (*x509.Certificate, error) {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}}
	c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "https://"))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	chain := c.(*tls.Conn).ConnectionState().PeerCertificates
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: a.roots, Intermediates: between, CurrentTime: chain[0].NotBefore.Add(time.Second)})
	return chain[0], err
}

// A hub has its certificate from an ACME authority, which looks at its API's port
// or at the one that leads there; it shows it for the names that it was given and
// for no others, over TLS 1.3 alone, and has it still after a restart without the
// authority.
func TestACMEMakesCertificates(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"the API", "the redirect"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			api, redirect := porttest.Free(t), porttest.Free(t)
			asked := map[string][2]string{"the API": {api, "1"}, "the redirect": {"1", redirect}}[by]
			a := newAuthority(t, asked[0], asked[1], 90*24*time.Hour)
			s := a.hubOf(t, api, redirect)
			first, err := a.shown(t, s, "hub.example.com", tls.VersionTLS13)
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, &s.log, &a.log)
			}
			if _, err := a.shown(t, s, "hub.example.com", tls.VersionTLS12); err == nil {
				t.Error("it speaks TLS 1.2")
			}
			other, err := a.shown(t, s, "learn.example.com", tls.VersionTLS13)
			if err != nil || other.Equal(first) {
				t.Errorf("the other name: %v", err)
			}
			if first.PublicKeyAlgorithm != x509.ECDSA {
				t.Errorf("its key is %v", first.PublicKeyAlgorithm)
			}
			for _, wrong := range []string{"evil.example.com", "hub.example.com.evil.net", "127.0.0.1", ""} {
				if c, err := a.shown(t, s, wrong, tls.VersionTLS13); err == nil {
					t.Errorf("it is %q, too, by %v", wrong, c.DNSNames)
				}
			}
			if status, head, _ := fetch(t, "GET", "http://127.0.0.1:"+redirect+"/device", ""); status != http.StatusPermanentRedirect || head.Get("Location") != "https://hub.example.com/device" {
				t.Errorf("without TLS: %d %v", status, head)
			}
			kept := filepath.Join(s.dir, "acme")
			for name, want := range map[string]os.FileMode{kept: 0o700 | os.ModeDir, filepath.Join(kept, "hub.example.com"): 0o600} {
				if info, err := os.Stat(name); err != nil || info.Mode() != want {
					t.Errorf("%s: %v, %v", name, info, err)
				}
			}

			if err := a.pebble.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = a.pebble.Wait() // it was killed
			if strings.Contains(a.log.String(), "evil") {
				t.Errorf("the authority was asked for a wrong name:\n%s", &a.log)
			}
			s.stop()
			s.start()
			if again, err := a.shown(t, s, "hub.example.com", tls.VersionTLS13); err != nil || !again.Equal(first) {
				t.Errorf("after a restart: %v\n%s", err, &s.log)
			}
			s.stop()
		})
	}
}

// A certificate that nears its end gets a successor, and nobody has to ask: who
// connects next sees it.
func TestACMERenewsCertificates(t *testing.T) {
	t.Parallel()
	api, redirect := porttest.Free(t), porttest.Free(t)
	a := newAuthority(t, api, redirect, 40*time.Second)
	s := a.hubOf(t, api, redirect)
	first, err := a.shown(t, s, "hub.example.com", tls.VersionTLS13)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, &s.log, &a.log)
	}
	until(t, "a successor lies in the data directory", func() bool {
		b, err := os.ReadFile(filepath.Join(s.dir, "acme", "hub.example.com"))
		if err != nil {
			return false
		}
		pair, err := tls.X509KeyPair(b, b)
		return err == nil && !pair.Leaf.Equal(first)
	})
	until(t, "the successor is shown", func() bool {
		next, err := a.shown(t, s, "hub.example.com", tls.VersionTLS13)
		return err == nil && !next.Equal(first) && next.NotAfter.After(first.NotAfter)
	})
	s.stop()
}
