package server

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudmastershub/cmh/labs/image"
)

// Config is the server's whole configuration. Zero fields take the default
// written beside them.
type Config struct {
	DataDir     string // DefaultDataDir()
	DatabaseURL string // a private PostgreSQL in DataDir
	APIAddr     string // 127.0.0.1:8080
	SSHAddr     string // 127.0.0.1:2222
	SSHHost     string // where learners reach SSHAddr; its host, or this machine's name
	PublicURL   string // what people call this hub, for links in mail and for signing in by browser: nothing
	SMTP        string // smtp://user:password@host:587 sends mail; without it none is sent
	MailFrom    string // no-reply at PublicURL's host

	OIDCIssuer    string // who else may be asked who somebody is: nobody
	OIDCClient    string // how the issuer knows us
	OIDCSecret    string
	OIDCName      string        // the issuer's host: what people call it
	DeletionGrace string        // 336h: how long an account that is to go may still be kept
	LabDriver     string        // local, docker or podman; none for a server without labs
	LabEngine     string        // the engine's socket, for docker and podman: where it usually is
	LabOldRunc    string        // "yes" takes an engine whose runc can be broken out of
	ImageDir      string        // DefaultImageDir()
	LabImage      string        // what labs that name no image start from: debian
	LabEgress     string        // nothing: what labs may reach outside, as labs/egress writes rules, with commas
	LabAgent      string        // lab-agent beside this executable
	LabMax        string        // a share of this machine's memory: how many labs may run at once
	LabStarts     string        // 4, or one for each processor: how many may be on their way at once
	LabWarm       string        // 2: how many sandboxes wait of each kind that is asked for most; 0 for none
	LabFree       string        // 1h/2h/30m: a free session's life, its life with extensions, how long it may be left alone
	LabPremium    string        // 2h/8h/1h
	MetricsAddr   string        // nowhere: where Prometheus may read how the server does, such as 127.0.0.1:9090
	TLSCert       string        // none: the certificate of the API, with its chain, PEM; read again when it changes
	TLSKey        string        // its key
	ACMEHosts     string        // none: names, with commas, that an ACME authority makes certificates for
	ACMEEmail     string        // whom the authority may write to
	ACMEDirectory string        // Let's Encrypt
	RedirectAddr  string        // nowhere: where http:// is answered with https://, and ACME's questions
	CORSOrigins   string        // none: origins, with commas, whose pages may read the API
	ProxyProtocol string        // no: api, ssh or api,ssh: what the proxies reach by the PROXY protocol
	Drain         string        // 5s, and 0s on loopback: how long to answer still, once told to stop
	Proxies       string        // none: addresses and networks, with commas, whose X-Forwarded-For and announcements (ProxyProtocol) are believed; the latter they have to make
	Introspection string        // "no" keeps the GraphQL schema to itself
	LimitGuest    string        // 100: requests an hour of an address that hasn't signed in; 0 is without limit, here and below
	LimitFree     string        // 1000: of a free account, over all doors
	LimitPaid     string        // 10000: of a premium account, and of staff
	LimitSignIn   string        // 600: requests an hour of one address that sign in or register
	LabMinutes    string        // 60: minutes of labs a day for free members
	Grace         time.Duration // 20s: how long running requests may finish
	Hasher        []string      // nothing: how this program is called to do HashPasswords; without it, passwords are hashed beside everything else
	Former        []string      // nothing: how it is called to do FormJSON; without it, --jq and --template don't exist over SSH
	Log           *slog.Logger  // nothing

	// Ready is called once, when learners can come in.
	Ready func(Listening)
}

// Listening is where a server can be reached.
type Listening struct {
	API     string // base URL
	SSH     string // host:port; empty without a gateway
	Metrics string // URL; empty when nobody is to look
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
func DefaultImageDir() string { return image.DefaultDir() }

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
