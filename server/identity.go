package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// hostKey returns the gateway's key in PEM, which is made once: learners pin it.
func hostKey(dir string) ([]byte, ssh.PublicKey, error) {
	path := filepath.Join(dir, "ssh_host_ed25519_key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeHostKey(path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "The gateway's key: %s", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "The gateway's key: %s", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, nil, hub.Wrap(err, hub.Unavailable, "The gateway's key %s: %s", path, err)
	}
	return text, signer.PublicKey(), nil
}

func makeHostKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(key, "cmh-server")
	if err != nil {
		return err
	}
	return makeFile(path, pem.EncodeToMemory(block))
}

// nodeName names this data directory, and with it the sandboxes that lie there.
// It is made once: a machine's own name may change, and two may share one.
func nodeName(dir string) (string, error) {
	path := filepath.Join(dir, "node")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeFile(path, []byte("n-"+strings.ToLower(rand.Text())[:10]+"\n")); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	name := strings.TrimSpace(string(text))
	if err == nil && name == "" {
		return "", hub.Errorf(hub.Unavailable, "%s is empty; remove it.", path)
	}
	if err != nil {
		return "", hub.Wrap(err, hub.Unavailable, "The node's name: %s", err)
	}
	return name, nil
}

// makeFile links a whole file into place unless there is one, so that neither a
// kill nor a second process leaves half of it, or two.
func makeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// sshAddress is how learners reach the gateway that listens at addr.
func sshAddress(addr net.Addr, host string, key ssh.PublicKey) (hub.SSHAddress, error) {
	listens, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return hub.SSHAddress{}, err
	}
	if host == "" {
		host = listens
		if ip := net.ParseIP(listens); ip == nil || ip.IsUnspecified() {
			if host, err = os.Hostname(); err != nil {
				return hub.SSHAddress{}, err
			}
		}
	}
	n, err := strconv.Atoi(port)
	return hub.SSHAddress{Host: host, Port: n, HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))}, err
}
