package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Config is the server's whole configuration. Zero fields take the default
// written beside them.
type Config struct {
	DataDir     string        // DefaultDataDir()
	DatabaseURL string        // a private PostgreSQL in DataDir
	APIAddr     string        // 127.0.0.1:8080
	SSHAddr     string        // 127.0.0.1:2222
	SSHHost     string        // where learners reach SSHAddr; its host, or this machine's name
	LabDriver   string        // local; none for a server without labs
	ImageDir    string        // DefaultImageDir()
	LabImage    string        // what labs that name no image start from: debian
	LabAgent    string        // lab-agent beside this executable
	Grace       time.Duration // 20s: how long running requests may finish
	Log         *slog.Logger  // nothing

	// Ready is called once, when learners can come in.
	Ready func(Listening)
}

// Listening is where a server can be reached.
type Listening struct {
	API     string // base URL
	SSH     string // host:port; empty without a gateway
	DataDir string
}

func (c Config) withDefaults() (Config, error) {
	def := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	def(&c.DataDir, DefaultDataDir())
	def(&c.APIAddr, "127.0.0.1:8080")
	def(&c.SSHAddr, "127.0.0.1:2222")
	def(&c.LabDriver, "local")
	def(&c.ImageDir, DefaultImageDir())
	if c.Grace == 0 {
		c.Grace = 20 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.LabAgent == "" {
		self, err := os.Executable()
		if err != nil {
			return c, err
		}
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		c.LabAgent = filepath.Join(filepath.Dir(self), "lab-agent")
	}
	var err error
	c.DataDir, err = filepath.Abs(c.DataDir)
	return c, err
}

// DefaultDataDir is /var/lib/cmh for root and below the user's own data
// otherwise.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/cmh"
	}
	return filepath.Join(userDir("XDG_DATA_HOME", ".local/share"), "cmh-server")
}

// DefaultImageDir is where the images of labs are kept: they can be made anew.
func DefaultImageDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/cmh/images"
	}
	return filepath.Join(userDir("XDG_CACHE_HOME", ".cache"), "cmh", "images")
}

func userDir(variable, below string) string {
	if d := os.Getenv(variable); filepath.IsAbs(d) {
		return d
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, below)
}

// makeDataDir makes the directory. As root others may pass through it, because
// the database runs as somebody else, but see nothing.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	return os.Chmod(dir, mode)
}

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
		return nil, nil, fmt.Errorf("the gateway's key: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, nil, fmt.Errorf("the gateway's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, nil, fmt.Errorf("the gateway's key %s: %w", path, err)
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
		err = errors.New(path + " is empty; remove it")
	}
	if err != nil {
		return "", fmt.Errorf("the node's name: %w", err)
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
