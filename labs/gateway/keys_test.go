package gateway_test

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // what is to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"math/big"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// A security key signs beside the message for what it was made, how often it has
// signed, and in flags whether somebody touched it (1) and proved who they are (4).
type securityKey struct {
	pub   gossh.PublicKey
	flags byte
	sign  func(blob []byte) ([]byte, error)
}

func (k securityKey) PublicKey() gossh.PublicKey { return k.pub }

func (k securityKey) Sign(_ io.Reader, data []byte) (*gossh.Signature, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	said := gossh.Marshal(struct {
		Flags   byte
		Counter uint32
	}{k.flags, 7})
	blob := append(append(application[:], said...), message[:]...)
	sig, err := k.sign(blob)
	return &gossh.Signature{Format: k.pub.Type(), Blob: sig, Rest: said}, err
}

// token is a security key of a kind.
func token(t *testing.T, kind string, flags byte) gossh.Signer {
	t.Helper()
	k := securityKey{flags: flags}
	var wire []byte
	if kind == gossh.KeyAlgoSKED25519 {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		wire = gossh.Marshal(struct{ Kind, Key, Application string }{kind, string(public), "ssh:"})
		k.sign = func(blob []byte) ([]byte, error) { return ed25519.Sign(private, blob), nil }
	} else {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		wire = gossh.Marshal(struct{ Kind, Curve, Key, Application string }{kind, "nistp256", string(point), "ssh:"})
		k.sign = func(blob []byte) ([]byte, error) {
			sum := sha256.Sum256(blob)
			r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
			return gossh.Marshal(struct{ R, S *big.Int }{r, s}), err
		}
	}
	var err error
	if k.pub, err = gossh.ParsePublicKey(wire); err != nil {
		t.Fatal(err)
	}
	return k
}

// dss is a key of the kind that SSH once began with.
func dss(t *testing.T) gossh.Signer {
	t.Helper()
	k := &dsa.PrivateKey{}
	if err := dsa.GenerateParameters(&k.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(k, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewSignerFromKey(crypto.PrivateKey(k))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
