package gateway

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// Permission extensions in which the handshake hands on what was proved. They
// belong to the attempt that succeeded: x/crypto keeps them per attempt, and
// nothing else of a callback outlives it.
const (
	extFingerprint = "cmh-fingerprint"
	extUserID      = "cmh-user-id"
	extPrincipal   = "cmh-principal"
	// The name by which the library's Session.PublicKey finds the key.
	extPublicKey = "gliderlabs/ssh.PublicKey"
)

const minRSABits = 3072

func (g *Gateway) serverConfig(ctx ssh.Context) *gossh.ServerConfig {
	return &gossh.ServerConfig{
		// No SHA-1, no CBC, no NIST curves for the exchange; a post-quantum
		// exchange first. Strict KEX is the library's own.
		Config: gossh.Config{
			KeyExchanges: []string{"mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"},
			Ciphers:      []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"},
			MACs:         []string{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"},
		},
		PublicKeyAuthAlgorithms: []string{
			gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoSKECDSA256,
			gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
		},
		PublicKeyCallback: g.offered,
		VerifiedPublicKeyCallback: func(conn gossh.ConnMetadata, key gossh.PublicKey, _ *gossh.Permissions, _ string) (*gossh.Permissions, error) {
			perms := proved(conn, key)
			return perms, peerOf(ctx).enter(perms)
		},
		// A client without any key gets in too, but only as far as the lobby.
		// Method "none" would do the same for everybody: clients try it first.
		KeyboardInteractiveCallback: func(gossh.ConnMetadata, gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			return &gossh.Permissions{}, peerOf(ctx).enter(nil)
		},
		AuthLogCallback: func(_ gossh.ConnMetadata, method string, err error) {
			switch {
			case err == nil:
				peerOf(ctx).authenticated()
			case method != "none": // by which clients only ask what else there is
				peerOf(ctx).failed()
			}
		},
	}
}

// offered says whether a key would do. The client has proved nothing yet, so
// this remembers nothing: any sound key may go on, and a certificate if it is
// ours, valid now, and made for the name that is asked for.
func (g *Gateway) offered(conn gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
	cert, ok := key.(*gossh.Certificate)
	if !ok {
		return &gossh.Permissions{}, sound(key)
	}
	if err := sound(cert.Key); err != nil {
		return nil, err
	}
	checker := gossh.CertChecker{
		Clock: g.Now,
		IsUserAuthority: func(auth gossh.PublicKey) bool {
			return g.UserCA != nil && bytes.Equal(auth.Marshal(), g.UserCA.Marshal())
		},
	}
	switch {
	case cert.CertType != gossh.UserCert:
		return nil, errors.New("not a user certificate")
	case !checker.IsUserAuthority(cert.SignatureKey):
		return nil, errors.New("certificate of an unknown authority")
	case len(cert.ValidPrincipals) == 0: // the checker takes that for "anybody"
		return nil, errors.New("certificate for nobody")
	case cert.KeyId == "":
		return nil, errors.New("certificate without a key id")
	}
	lab, _, _ := strings.Cut(conn.User(), hostMark) // a certificate for a lab is for all its hosts
	return &gossh.Permissions{}, checker.CheckCert(lab, cert)
}

// proved settles what the client has proved, from the key whose signature was
// just verified.
func proved(conn gossh.ConnMetadata, key gossh.PublicKey) *gossh.Permissions {
	ext := map[string]string{extPublicKey: base64.StdEncoding.EncodeToString(key.Marshal())}
	if cert, ok := key.(*gossh.Certificate); ok {
		ext[extUserID], ext[extPrincipal] = cert.KeyId, conn.User()
	} else {
		ext[extFingerprint] = gossh.FingerprintSHA256(key)
	}
	return &gossh.Permissions{Extensions: ext}
}

// proof is under what a connection is counted before anybody was asked whose it
// is: what it proved, and for a guest where it comes from.
func proof(perms *gossh.Permissions, source string) string {
	switch {
	case perms == nil:
		return "guest at " + source
	case perms.Extensions[extUserID] != "":
		return "user " + perms.Extensions[extUserID]
	}
	return "key " + perms.Extensions[extFingerprint]
}

// identify reads it back inside the connection.
func identify(conn *gossh.ServerConn) Identity {
	if conn.Permissions == nil {
		return Identity{}
	}
	ext := conn.Permissions.Extensions
	if id := ext[extUserID]; id != "" {
		if ext[extPrincipal] != conn.User() {
			return Identity{} // cannot be; and if it could, this is nobody
		}
		return Identity{UserID: id}
	}
	return Identity{Fingerprint: ext[extFingerprint]}
}

func sound(key gossh.PublicKey) error {
	if k, ok := key.(gossh.CryptoPublicKey); ok {
		if k, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() < minRSABits {
			return errors.New("RSA key below 3072 bits")
		}
	}
	return nil
}
