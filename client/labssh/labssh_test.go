package labssh_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	server "charm.land/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
)

// gateway is an SSH server that lets in whoever shows a certificate of its
// authority for the user s-test.
type gateway struct {
	addr    *net.TCPAddr
	hostKey string
	ca      ssh.Signer

	mu     sync.Mutex
	conns  []net.Conn
	asked  int    // certificates
	refuse error  // further certificates
	full   string // said to whoever proves a key, and lets nobody in
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newGateway(t *testing.T, handle server.Handler) *gateway {
	t.Helper()
	host := newSigner(t)
	g := &gateway{ca: newSigner(t), hostKey: string(ssh.MarshalAuthorizedKey(host.PublicKey()))}
	check := ssh.CertChecker{IsUserAuthority: func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), g.ca.PublicKey().Marshal()) }}
	s := &server.Server{
		Handler: handle,
		PublicKeyHandler: func(ctx server.Context, key server.PublicKey) bool {
			cert, ok := key.(*ssh.Certificate)
			return ok && check.CheckCert(ctx.User(), cert) == nil && check.IsUserAuthority(cert.SignatureKey)
		},
		ServerConfigCallback: func(server.Context) *ssh.ServerConfig {
			return &ssh.ServerConfig{VerifiedPublicKeyCallback: func(_ ssh.ConnMetadata, _ ssh.PublicKey, p *ssh.Permissions, _ string) (*ssh.Permissions, error) {
				if g.full != "" {
					return nil, &ssh.BannerError{Err: errors.New("full"), Message: g.full + "\r\n"}
				}
				return p, nil
			}}
		},
		ConnCallback: func(_ server.Context, c net.Conn) net.Conn {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.conns = append(g.conns, c)
			return c
		},
	}
	s.AddHostKey(host)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().(*net.TCPAddr)
	done := make(chan struct{})
	go func() { _ = s.Serve(l); close(done) }()
	t.Cleanup(func() { _ = l.Close(); _ = s.Close(); <-done })
	return g
}

// certify is what the hub does.
func (g *gateway) certify(_ context.Context, publicKey string) (hub.SSHCertificate, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked++; g.refuse != nil {
		return hub.SSHCertificate{}, g.refuse
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(publicKey))
	if err != nil {
		return hub.SSHCertificate{}, err
	}
	c := &ssh.Certificate{Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{"s-test"}, ValidBefore: ssh.CertTimeInfinity}
	if err := c.SignCert(rand.Reader, g.ca); err != nil {
		return hub.SSHCertificate{}, err
	}
	return hub.SSHCertificate{
		Certificate: string(ssh.MarshalAuthorizedKey(c)),
		SSH:         hub.SSHAddress{Host: "127.0.0.1", Port: g.addr.Port, User: "s-test", HostKey: g.hostKey},
	}, nil
}

// cut breaks every connection, as a bad network does.
func (g *gateway) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		_ = c.Close()
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(s server.Session) {
		in, _ := io.ReadAll(s)
		_, _ = fmt.Fprintf(s, "%s|%s", s.RawCommand(), in)
		_, _ = io.WriteString(s.Stderr(), "warned")
		_ = s.Exit(42)
	})
	for want, command := range map[string][]string{
		"ls | wc -l":              {"ls | wc -l"},
		`echo 'a b' 'it'\''s' ''`: {"echo", "a b", "it's", ""},
		"uname -a":                {"uname", "-a"},
	} {
		var out, errOut bytes.Buffer
		status, err := labssh.Run(t.Context(), g.certify, command, labssh.Stdio{In: strings.NewReader("input"), Out: &out, Err: &errOut})
		if err != nil || status != 42 || out.String() != want+"|input" || errOut.String() != "warned" {
			t.Errorf("%q: status %d, %v, out %q, err %q", command, status, err, out.String(), errOut.String())
		}
	}
}

func TestRunEndsThoughItsInputDoesNot(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(s server.Session) { _ = s.Exit(0) })
	r, w := io.Pipe()
	defer w.Close()
	if status, err := labssh.Run(t.Context(), g.certify, []string{"true"}, labssh.Stdio{In: r, Out: io.Discard, Err: io.Discard}); err != nil || status != 0 {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestRunSaysWhenTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	var g *gateway
	g = newGateway(t, func(s server.Session) {
		g.cut()
		<-s.Context().Done()
	})
	_, err := labssh.Run(t.Context(), g.certify, []string{"true"}, labssh.Stdio{Out: io.Discard, Err: io.Discard})
	if !errors.Is(err, labssh.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
}

// A gateway with another host key than the hub told of, as somebody in between
// has, learns neither the command nor the input.
func TestAnotherHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(server.Session) { t.Error("a session began") })
	g.hostKey = string(ssh.MarshalAuthorizedKey(newSigner(t).PublicKey()))
	_, err := labssh.Run(t.Context(), g.certify, []string{"true"}, labssh.Stdio{Out: io.Discard, Err: io.Discard})
	if hub.CodeOf(err) != hub.Forbidden || !strings.Contains(hub.MessageOf(err), "host key") {
		t.Errorf("got %v", err)
	}
}

func TestNoHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	g := newGateway(t, func(server.Session) { t.Error("a session began") })
	g.hostKey = ""
	if _, err := labssh.Run(t.Context(), g.certify, []string{"true"}, labssh.Stdio{}); hub.CodeOf(err) != hub.Internal {
		t.Errorf("got %v", err)
	}
}

// screen collects what a terminal shows.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *screen) await(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(3 * time.Minute)
	for {
		s.mu.Lock()
		got := s.text.String()
		s.mu.Unlock()
		if strings.Contains(got, want) {
			return
		}
		select {
		case <-s.more:
		case <-deadline:
			t.Fatalf("the screen never showed %q, but %q", want, got)
		}
	}
}

// echo is a shell that greets, types back, and ends with status 7 at a q.
func echo(s server.Session) {
	pty, _, _ := s.Pty()
	_, _ = fmt.Fprintf(s, "%s %dx%d$", pty.Term, pty.Window.Width, pty.Window.Height)
	b := make([]byte, 1)
	for {
		if _, err := s.Read(b); err != nil {
			return
		}
		if b[0] == 'q' {
			_ = s.Exit(7)
			return
		}
		_, _ = fmt.Fprintf(s, "<%x>", b)
	}
}

type attached struct {
	keys     *io.PipeWriter
	screen   *screen
	status   int
	detached bool
	err      error
	ended    chan struct{}
}

func attach(t *testing.T, g *gateway) *attached {
	t.Helper()
	r, w := io.Pipe()
	a := &attached{keys: w, screen: newScreen(), ended: make(chan struct{})}
	go func() {
		a.status, a.detached, a.err = labssh.Attach(t.Context(), g.certify, labssh.Terminal{
			In: r, Out: a.screen, Name: "vt100", Size: func() (int, int) { return 100, 30 },
			Say: func(s string) { _, _ = io.WriteString(a.screen, "["+s+"]") },
		})
		close(a.ended)
	}()
	t.Cleanup(func() { _ = w.Close(); <-a.ended })
	return a
}

func (a *attached) press(keys string) { go func() { _, _ = io.WriteString(a.keys, keys) }() }

func TestAttach(t *testing.T) {
	t.Parallel()
	a := attach(t, newGateway(t, echo))
	a.screen.await(t, "vt100 100x30$")
	a.press("a\x1d\x1d\x1dx")
	a.screen.await(t, "<61><1d><1d><78>")
	a.press("q")
	<-a.ended
	if a.status != 7 || a.detached || a.err != nil {
		t.Errorf("status %d, detached %t, %v", a.status, a.detached, a.err)
	}
}

func TestDetach(t *testing.T) {
	t.Parallel()
	a := attach(t, newGateway(t, echo))
	a.screen.await(t, "$")
	a.press("\x1dd")
	<-a.ended
	if !a.detached || a.err != nil {
		t.Errorf("detached %t, %v", a.detached, a.err)
	}
}

func TestAttachComesBackAfterALoss(t *testing.T) {
	t.Parallel()
	g := newGateway(t, echo)
	a := attach(t, g)
	a.screen.await(t, "$")
	g.cut()
	a.screen.await(t, "[Connected again.]vt100 100x30$")
	a.press("zq")
	a.screen.await(t, "<7a>")
	<-a.ended
	if a.status != 7 || a.err != nil {
		t.Errorf("status %d, %v", a.status, a.err)
	}
}

func TestAttachGivesUpWhenTheLabHasEnded(t *testing.T) {
	t.Parallel()
	g := newGateway(t, echo)
	a := attach(t, g)
	a.screen.await(t, "$")
	g.mu.Lock()
	g.refuse = hub.Errorf(hub.NotFound, "There is no such session.")
	g.mu.Unlock()
	g.cut()
	<-a.ended
	if hub.CodeOf(a.err) != hub.NotFound {
		t.Errorf("got %v", a.err)
	}
}

// A gateway that lets nobody in any more says why before it has authenticated
// anybody.
func TestWhyNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	const why = "You have too many connections open. Close one first."
	g := newGateway(t, func(server.Session) { t.Error("a session began") })
	g.full = why
	_, err := labssh.Run(t.Context(), g.certify, []string{"true"}, labssh.Stdio{Out: io.Discard, Err: io.Discard})
	if hub.CodeOf(err) != hub.Limit || hub.MessageOf(err) != why {
		t.Errorf("got %v", err)
	}
}
