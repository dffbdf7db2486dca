package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"strings"
	"testing"
	"time"
	"unsafe"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// Clients mention keys before they prove one. A session belongs to the key
// that was proved.
func TestOfferingAKeyIsNotHoldingIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	mallory := signer(t)
	none := &gossh.Signature{} // not one at all: the server asks for the next key
	c := w.client(alices, pretender{mallory, w.alice.PublicKey(), none}, mallory)
	if r := run(t, c, "echo in"); r.status != 5 || r.out != "" {
		t.Errorf("mallory, who named alice's key: %+v", r)
	}
	c = w.client(bobs, pretender{w.bob, w.alice.PublicKey(), none}, w.bob)
	if r := run(t, c, "echo in"); r.out != "in\n" {
		t.Errorf("bob at his own lab: %+v", r)
	}
	for _, sig := range []*gossh.Signature{{}, {Format: gossh.KeyAlgoED25519, Blob: make([]byte, 64)}} {
		if _, err := w.dial(alices, pretender{mallory, w.alice.PublicKey(), sig}); err == nil {
			t.Error("a key without its signature was let in")
		}
	}
}

// pretender names a public key it cannot sign for.
type pretender struct {
	gossh.Signer
	pub gossh.PublicKey
	sig *gossh.Signature
}

func (p pretender) PublicKey() gossh.PublicKey { return p.pub }

func (p pretender) Sign(io.Reader, []byte) (*gossh.Signature, error) { return p.sig, nil }

// The user name belongs to one attempt: a client that asks as itself, and then
// signs as somebody else, must not become them.
func TestUserSwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})

	// With a key: the session is for the last name, and still bob's.
	name := []byte(bobs)
	c, err := w.dial(unsafe.String(&name[0], len(name)), &switcher{Signer: w.bob, name: name, to: alices})
	if err != nil {
		t.Fatal(err)
	}
	if c.User() != alices {
		t.Fatalf("the attack did not switch: %s", c.User())
	}
	if r := run(t, c, "echo in"); r.status != 5 || r.out != "" {
		t.Errorf("bob, as alice's session: %+v", r)
	}
	// With a certificate: it isn't for that name.
	name = []byte(bobs)
	cert := w.certificate(t, w.bob, func(c *gossh.Certificate) { c.KeyId, c.ValidPrincipals = "bob", []string{bobs} })
	if c, err := w.dial(unsafe.String(&name[0], len(name)), &switcher{Signer: cert, name: name, to: alices}); err == nil {
		t.Errorf("let in as %s", c.User())
	}
}

// switcher changes the bytes of its client's user name between the question
// whether its key would do and the signature.
type switcher struct {
	gossh.Signer
	name []byte
	to   string
	seen int
}

func (s *switcher) PublicKey() gossh.PublicKey { return switchingKey{s.Signer.PublicKey(), s} }

type switchingKey struct {
	gossh.PublicKey
	s *switcher
}

func (k switchingKey) Marshal() []byte {
	if k.s.seen++; k.s.seen == 2 {
		copy(k.s.name, k.s.to)
	}
	return k.PublicKey.Marshal()
}

func (w *world) certificate(t *testing.T, key gossh.Signer, change func(*gossh.Certificate)) gossh.Signer {
	t.Helper()
	now := time.Now()
	cert := &gossh.Certificate{
		Key: key.PublicKey(), CertType: gossh.UserCert, KeyId: "alice", ValidPrincipals: []string{alices},
		ValidAfter: uint64(now.Add(-time.Minute).Unix()), ValidBefore: uint64(now.Add(5 * time.Minute).Unix()),
	}
	ca := w.ca
	change(cert)
	if cert.Reserved != nil { // marks a certificate of another authority
		cert.Reserved, ca = nil, signer(t)
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	stranger := signer(t) // cmh makes a key for each certificate
	good := w.certificate(t, stranger, func(*gossh.Certificate) {})
	if r := run(t, w.client(alices, good), "echo in"); r.out != "in\n" {
		t.Errorf("good certificate: %+v", r)
	}
	// It opens what its account may open, by the name it was made for.
	if _, err := w.dial(bobs, good); err == nil {
		t.Error("certificate for another name was let in")
	}
	both := w.certificate(t, stranger, func(c *gossh.Certificate) { c.ValidPrincipals = []string{alices, bobs} })
	if r := run(t, w.client(bobs, both), "echo in"); r.status != 5 {
		t.Errorf("alice's certificate, bob's lab: %+v", r)
	}
	if r := run(t, w.client("lobby", w.certificate(t, stranger, func(c *gossh.Certificate) { c.ValidPrincipals = []string{"lobby"} })), "x"); r.status != 5 || r.out != "" {
		t.Errorf("a certificate opened the lobby: %+v", r)
	}
	for name, change := range map[string]func(*gossh.Certificate){
		"expired":            func(c *gossh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Second).Unix()) },
		"not yet valid":      func(c *gossh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Hour).Unix()) },
		"for everybody":      func(c *gossh.Certificate) { c.ValidPrincipals = nil },
		"without an account": func(c *gossh.Certificate) { c.KeyId = "" },
		"for a host":         func(c *gossh.Certificate) { c.CertType = gossh.HostCert },
		"other authority":    func(c *gossh.Certificate) { c.Reserved = []byte{} },
		"critical option":    func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "true"} },
	} {
		if _, err := w.dial(alices, w.certificate(t, stranger, change)); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
}

func TestKeyTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaSigner := func(bits int) gossh.Signer {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		s, err := gossh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ecs, err := gossh.NewSignerFromKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	strong := rsaSigner(3072)
	for name, k := range map[string]gossh.Signer{
		"ed25519": signer(t), "ecdsa-256": ecs, "rsa-3072": strong,
		"sk-ed25519": token(t, gossh.KeyAlgoSKED25519, 1), "sk-ecdsa": token(t, gossh.KeyAlgoSKECDSA256, 5),
	} {
		if r := run(t, w.client("x", k), "x"); r.out != "lobby of key: x\n" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// Short ones; one whose owner wasn't there to touch it; one that nobody has
	// made for years.
	for name, k := range map[string]gossh.Signer{
		"rsa-1024": rsaSigner(1024), "rsa-2048": rsaSigner(2048), "dss": dss(t),
		"sk-ed25519 untouched": token(t, gossh.KeyAlgoSKED25519, 4), "sk-ecdsa untouched": token(t, gossh.KeyAlgoSKECDSA256, 0),
	} {
		if _, err := w.dial("x", k); err == nil {
			t.Errorf("%s was let in", name)
		}
	}
	sha1, err := gossh.NewSignerWithAlgorithms(strong.(gossh.AlgorithmSigner), []string{gossh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.dial("x", sha1); err == nil {
		t.Error("an RSA signature with SHA-1 was let in")
	}
}

// A user name is whatever a client sends.
func TestOddNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 100})
	for _, name := range []string{"", "a\x00b", "\x1b]0;x\a", "../..", strings.Repeat("x", 4000), "s-AAAAAAAAAA", "-", "é"} {
		if r := run(t, w.client(name, w.alice), "x"); r.out != "lobby of key: x\n" {
			t.Errorf("%q: %+v", name, r)
		}
	}
	if log := w.log.String(); strings.ContainsAny(log, "\x1b\x00\a") || strings.Contains(log, strings.Repeat("x", 200)) {
		t.Errorf("the log: %q", log)
	}
}
