package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words/more"
)

// certificateLook is how often the files are looked at. A renewed certificate
// lies beside the old one for days before that runs out.
const certificateLook = 30 * time.Second

// A door is how the API's bytes travel: plain, or over TLS with a certificate of
// the operator's or of an ACME authority.
type door struct {
	files *certificateFiles // nil without
	acme  *autocert.Manager // nil without
}

func newDoor(cfg Config) (*door, error) {
	d := &door{}
	switch {
	case (cfg.TLSCert == "") != (cfg.TLSKey == ""):
		return nil, hub.Errorf(hub.Invalid, "tls-cert and tls-key go together.")
	case cfg.TLSCert != "" && cfg.ACMEHosts != "":
		return nil, hub.Errorf(hub.Invalid, "choose tls-cert or acme-hosts: a server has its certificate from one of them.")
	case cfg.RedirectAddr != "" && cfg.TLSCert == "" && cfg.ACMEHosts == "":
		return nil, hub.Errorf(hub.Invalid, "redirect-addr leads to TLS: set tls-cert and tls-key, or acme-hosts.")
	case cfg.TLSCert != "":
		d.files = &certificateFiles{cert: cfg.TLSCert, key: cfg.TLSKey}
		if _, err := d.files.read(); err != nil {
			return nil, hub.Wrap(err, hub.Invalid, "The certificate: %s", err)
		}
	case cfg.ACMEHosts != "":
		var hosts []string
		for h := range strings.SplitSeq(cfg.ACMEHosts, ",") {
			if h = strings.TrimSpace(h); !strings.Contains(h, ".") || strings.ContainsAny(h, "/:* ") {
				return nil, hub.Errorf(hub.Invalid, "acme-hosts must be names such as hub.example.com, not %q.", h)
			}
			hosts = append(hosts, h)
		}
		directory := cfg.ACMEDirectory
		if directory == "" {
			directory = autocert.DefaultACMEDirectory
		}
		d.acme = &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: named(hosts), Email: cfg.ACMEEmail,
			Cache:  autocert.DirCache(filepath.Join(cfg.DataDir, "acme")), // 0700, its files 0600
			Client: &acme.Client{DirectoryURL: directory, UserAgent: "cmh-server"},
		}
	}
	return d, nil
}

// config is nil where the API is plain.
func (d *door) config() *tls.Config {
	c := &tls.Config{}
	switch {
	case d.files != nil:
		c.GetCertificate = d.files.get
	case d.acme != nil:
		c = d.acme.TLSConfig() // which also answers what the authority asks
		c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return d.acme.GetCertificate(takesECDSA(hello))
		}
	default:
		return nil
	}
	c.MinVersion = tls.VersionTLS13
	return c
}

// named lets an authority ask for the hub's names, at port 80 or wherever that is
// led on to.
func named(hosts []string) autocert.HostPolicy {
	known := autocert.HostWhitelist(hosts...)
	return func(ctx context.Context, host string) error {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return known(ctx, host)
	}
}

// takesECDSA says of a client that it takes the one certificate that a name needs:
// all that speak TLS 1.3 do. autocert looks for a suite of TLS 1.2 that tells so,
// and would order a second one, of RSA, for whoever offers none.
func takesECDSA(hello *tls.ClientHelloInfo) *tls.ClientHelloInfo {
	h := *hello
	h.CipherSuites = append(slices.Clip(h.CipherSuites), tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	return &h
}

func (d *door) scheme() string {
	if d.files == nil && d.acme == nil {
		return "http"
	}
	return "https"
}

// redirect sends whoever comes without TLS to where there is some, and answers
// what an ACME authority asks. A token that was sent in the clear is not sent on:
// only what may be repeated is.
func (d *door) redirect(public string) http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, more.Languages.Accept(r.Header.Get("Accept-Language")).T("Use HTTPS."), http.StatusBadRequest)
			return
		}
		to := public
		if to == "" {
			host := r.Host
			if name, _, err := net.SplitHostPort(host); err == nil {
				host = name
			}
			to = "https://" + host
		}
		http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	if d.acme != nil {
		h = d.acme.HTTPHandler(h)
	}
	return h
}

// run reads the certificate again when it has changed, until ctx is done.
func (d *door) run(ctx context.Context, log *slog.Logger) error {
	if d.files == nil {
		return nil
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(certificateLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
		case <-tick.C:
		}
		switch changed, err := d.files.read(); {
		case err != nil: // half of it may be written
			log.ErrorContext(ctx, "the certificate was not read again; the last one serves on", "err", err)
		case changed:
			log.InfoContext(ctx, "the certificate was read again")
		}
	}
}

// certificateFiles are a certificate that somebody else renews.
type certificateFiles struct {
	cert, key string
	stamp     string // of what was read; of run alone once it runs
	have      atomic.Pointer[tls.Certificate]
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.have.Load(), nil
}

// read reports whether there was something new.
func (f *certificateFiles) read() (changed bool, err error) {
	stamp := ""
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return false, err
		}
		stamp += fmt.Sprintln(info.ModTime().UnixNano(), info.Size())
	}
	if stamp == f.stamp {
		return false, nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return false, err
	}
	f.have.Store(&c)
	f.stamp = stamp
	return true, nil
}
