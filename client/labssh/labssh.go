// Package labssh connects to labs over SSH: an interactive shell, or one
// command. It makes a key for each connection, which never leaves the process,
// has the hub certify it, and believes only the host key that the hub named.
// What to run where is the caller's to decide.
package labssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Certify has the hub certify a public key, in authorized_keys form, for one
// lab session. It is asked anew for each connection.
type Certify func(ctx context.Context, publicKey string) (hub.SSHCertificate, error)

// ErrLost means that the connection broke and did not come back.
var ErrLost = errors.New("the connection to the lab was lost")

const (
	dialTimeout = 10 * time.Second
	alive       = 10 * time.Second // between signs of life, and how long one may take
)

// Connect connects to a lab, for programs that open what they need themselves.
// ctx bounds the connecting; the connection is the caller's to close.
func Connect(ctx context.Context, certify Certify) (*ssh.Client, error) { return dial(ctx, certify) }

// dial connects and authenticates. ctx bounds that, not the connection's life.
func dial(ctx context.Context, certify Certify) (*ssh.Client, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	cert, err := certify(ctx, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	signer, err = certified(cert.Certificate, signer)
	if err != nil {
		return nil, hub.Wrap(err, hub.Internal, "The hub gave a certificate that does not fit.")
	}
	config, err := configFor(cert.SSH, signer)
	if err != nil {
		return nil, err
	}
	return connect(ctx, cert.SSH, config)
}

func certified(line string, signer ssh.Signer) (ssh.Signer, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, err
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("it is a plain key")
	}
	return ssh.NewCertSigner(cert, signer)
}

func configFor(at hub.SSHAddress, signer ssh.Signer) (*ssh.ClientConfig, error) {
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(at.HostKey))
	if err != nil {
		return nil, hub.Wrap(err, hub.Internal, "The hub did not say which host key its gateway has, so it can't be trusted.")
	}
	return &ssh.ClientConfig{
		User: at.User,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if !bytes.Equal(key.Marshal(), pinned.Marshal()) {
				return hub.Errorf(hub.Forbidden, "The gateway at %s is not the one the hub told of: it has the host key %s, not %s. Somebody may be between you and it. Nothing was sent.",
					address(at), ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(pinned))
			}
			return nil
		},
		HostKeyAlgorithms: algorithms(pinned.Type()),
		ClientVersion:     "SSH-2.0-cmh",
	}, nil
}

// algorithms are the signatures a host key of type t can make.
func algorithms(t string) []string {
	if t == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{t}
}

func address(at hub.SSHAddress) string { return net.JoinHostPort(at.Host, strconv.Itoa(at.Port)) }

func connect(ctx context.Context, at hub.SSHAddress, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address(at))
	if err != nil {
		return nil, unreachable(at, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(dialTimeout))
	var said string // by a gateway with the right key, that lets nobody in
	config.BannerCallback = func(message string) error {
		said = strings.TrimSpace(message[:min(len(message), 200)])
		return nil
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, address(at), config)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if e, ok := errors.AsType[*hub.Error](err); ok {
			return nil, e
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if said != "" {
			return nil, hub.Wrap(err, hub.Limit, "%s", said)
		}
		return nil, unreachable(at, err)
	}
	_ = conn.SetDeadline(time.Time{})
	client := ssh.NewClient(c, chans, reqs)
	go keepAlive(client) // ends with the connection
	return client, nil
}

func unreachable(at hub.SSHAddress, err error) error {
	return hub.Wrap(err, hub.Unavailable, "Could not reach the lab through %s.", address(at))
}

// keepAlive closes the connection when the other side stops answering.
func keepAlive(c *ssh.Client) {
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		late := time.AfterFunc(alive, func() { _ = c.Close() })
		_, _, _ = c.SendRequest("keepalive@openssh.com", true, nil) // any answer is a sign of life
		late.Stop()
	}
}
