package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"golang.org/x/term"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/server"
)

// setting is one value of the configuration: a flag, CMH_ and its name in
// capitals, or its name in the file.
type setting struct {
	name, usage string
	to          func(*server.Config) *string
}

var settings = []setting{
	{"data-dir", "where everything is kept", func(c *server.Config) *string { return &c.DataDir }},
	{"database-url", "a PostgreSQL to use; without one the server runs its own", func(c *server.Config) *string { return &c.DatabaseURL }},
	{"api-addr", "where the API listens (127.0.0.1:8080)", func(c *server.Config) *string { return &c.APIAddr }},
	{"ssh-addr", "where the SSH gateway listens (127.0.0.1:2222)", func(c *server.Config) *string { return &c.SSHAddr }},
	{"ssh-host", "the name by which learners reach the SSH gateway", func(c *server.Config) *string { return &c.SSHHost }},
	{"public-url", "what people call this hub, such as https://hub.example.com: for links in mail and signing in by browser", func(c *server.Config) *string { return &c.PublicURL }},
	{"smtp", "the mail server, smtp://user:password@host:587 or smtps://...; without one no mail is sent. Better set as CMH_SMTP", func(c *server.Config) *string { return &c.SMTP }},
	{"mail-from", "whom mail is from (CloudMastersHub <no-reply@the public host>)", func(c *server.Config) *string { return &c.MailFrom }},
	{"oidc-issuer", "an OpenID Connect provider that people may sign in with; public-url/auth/oidc/callback is where it sends them back", func(c *server.Config) *string { return &c.OIDCIssuer }},
	{"oidc-client", "the client id that the provider has for this hub", func(c *server.Config) *string { return &c.OIDCClient }},
	{"oidc-secret", "its secret, where it has one. Better set as CMH_OIDC_SECRET", func(c *server.Config) *string { return &c.OIDCSecret }},
	{"oidc-name", "what people call the provider (its host)", func(c *server.Config) *string { return &c.OIDCName }},
	{"deletion-grace", "how long an account that is to be deleted may still be kept (336h)", func(c *server.Config) *string { return &c.DeletionGrace }},
	{"lab-image", "the image of labs that name none (debian); host borrows this machine's /usr, for development only", func(c *server.Config) *string { return &c.LabImage }},
	{"lab-driver", "how labs are run: local, docker, podman or none", func(c *server.Config) *string { return &c.LabDriver }},
	{"lab-engine", "Docker or Podman: unix:///path, tcp://name:port or ssh://user@name (DOCKER_HOST, CONTAINER_HOST, else where its socket usually is)", func(c *server.Config) *string { return &c.LabEngine }},
	{"lab-old-runc", "yes takes an engine whose runc can be broken out of, for trying things", func(c *server.Config) *string { return &c.LabOldRunc }},
	{"lab-max", "how many labs may run at once (one for each 128 MiB of memory, at most 1000); others queue", func(c *server.Config) *string { return &c.LabMax }},
	{"lab-starts", "how many labs may be started at once (4, or one for each processor)", func(c *server.Config) *string { return &c.LabStarts }},
	{"lab-warm", "how many sandboxes wait for their learners, of each of the three kinds asked for most (2; 0 for none)", func(c *server.Config) *string { return &c.LabWarm }},
	{"lab-free", "the time of a free learner's lab, with extensions, and left alone (1h/2h/30m)", func(c *server.Config) *string { return &c.LabFree }},
	{"lab-premium", "the same for premium members, instructors and admins (2h/8h/1h)", func(c *server.Config) *string { return &c.LabPremium }},
	{"tls-cert", "serve the API over TLS, with this certificate and its chain (PEM); read again when it changes, and on SIGHUP", func(c *server.Config) *string { return &c.TLSCert }},
	{"tls-key", "the certificate's private key (PEM)", func(c *server.Config) *string { return &c.TLSKey }},
	{"acme-hosts", "serve the API over TLS, with certificates from an ACME authority for these names, with commas", func(c *server.Config) *string { return &c.ACMEHosts }},
	{"acme-email", "whom the ACME authority may write to", func(c *server.Config) *string { return &c.ACMEEmail }},
	{"acme-directory", "the ACME authority (Let's Encrypt)", func(c *server.Config) *string { return &c.ACMEDirectory }},
	{"redirect-addr", "where http:// is answered with https://, and ACME's questions, such as :80 (nowhere)", func(c *server.Config) *string { return &c.RedirectAddr }},
	{"cors-origins", "origins, with commas, whose pages may read the API: https://app.example.com (none; * is any)", func(c *server.Config) *string { return &c.CORSOrigins }},
	{"proxy-protocol", "what the trusted proxies reach by the PROXY protocol: api, ssh or api,ssh (nothing)", func(c *server.Config) *string { return &c.ProxyProtocol }},
	{"drain", "how long to answer still, not ready, once told to stop (5s; 0s where the API listens on loopback)", func(c *server.Config) *string { return &c.Drain }},
	{"metrics-addr", "where Prometheus may read how the server does, such as 127.0.0.1:9090 (nowhere); who reaches it may read", func(c *server.Config) *string { return &c.MetricsAddr }},
	{"trusted-proxies", "addresses and networks, with commas, whose X-Forwarded-For is believed, and with proxy-protocol their announcements, which they then have to make (none)", func(c *server.Config) *string { return &c.Proxies }},
	{"graphql-introspection", "no keeps the GraphQL schema from those who ask /v1/graphql for it (yes)", func(c *server.Config) *string { return &c.Introspection }},
	{"limit-guest", "requests an hour of an address that hasn't signed in (100; 0 is without limit)", func(c *server.Config) *string { return &c.LimitGuest }},
	{"limit-free", "requests an hour of a free account, over all doors (1000; 0 is without limit)", func(c *server.Config) *string { return &c.LimitFree }},
	{"limit-premium", "the same for premium members, instructors and admins (10000)", func(c *server.Config) *string { return &c.LimitPaid }},
	{"limit-sign-in", "requests an hour of one address that sign in, register or reset (600; 0 is without limit)", func(c *server.Config) *string { return &c.LimitSignIn }},
	{"lab-minutes", "minutes of labs a day for free members (60; 0 is without limit)", func(c *server.Config) *string { return &c.LabMinutes }},
	{"lab-egress", "what labs may reach outside, if they ask: example.org,*.example.org:443; * for any public name (nothing)", func(c *server.Config) *string { return &c.LabEgress }},
	{"image-dir", "where the images of labs are kept", func(c *server.Config) *string { return &c.ImageDir }},
	{"lab-agent", "the lab-agent program, when it is not beside this one", func(c *server.Config) *string { return &c.LabAgent }},
}

func command() *cobra.Command {
	v := viper.New()
	v.SetEnvPrefix("cmh")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	var file string
	root := &cobra.Command{
		Use:   "cmh-server",
		Short: "Runs CloudMastersHub: API, SSH gateway, labs and background work",
		Long: "Runs CloudMastersHub: API, SSH gateway, labs and background work.\n\n" +
			"A setting is taken from its flag, else from CMH_ and its name in capitals\n(CMH_API_ADDR), else from the file given by --config.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if file == "" {
				file = os.Getenv("CMH_CONFIG")
			}
			if file == "" {
				return nil
			}
			v.SetConfigFile(file)
			if err := v.ReadInConfig(); err != nil {
				return fmt.Errorf("read the settings: %w", err)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&file, "config", "", "a file of settings (YAML, TOML or JSON)")
	for _, s := range settings {
		root.PersistentFlags().String(s.name, "", s.usage)
		_ = v.BindPFlag(s.name, root.PersistentFlags().Lookup(s.name)) // it was just made
	}
	root.PersistentFlags().String("log-level", "", "debug, info, warn or error (warn)")
	root.PersistentFlags().String("log-format", "", "text or json (json; on a terminal text)")
	for _, name := range []string{"log-level", "log-format"} {
		_ = v.BindPFlag(name, root.PersistentFlags().Lookup(name)) // it was just made
	}
	log := &lines{to: os.Stderr}
	config := func() (server.Config, error) {
		var c server.Config
		for _, s := range settings {
			*s.to(&c) = v.GetString(s.name)
		}
		var err error
		c.Log, err = logger(v.GetString("log-level"), v.GetString("log-format"), log)
		return c, err
	}
	root.AddCommand(serveCommand(config, log), adminCommand(config), databaseCommand(config), doctorCommand(config), readyCommand(config), imageCommand(config), labsCommand(config), versionCommand())
	return root
}

// configFunc reads the configuration once flags are parsed.
type configFunc func() (server.Config, error)

func logger(level, format string, w *lines) (*slog.Logger, error) {
	l := slog.LevelWarn
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, errors.New("log-level must be debug, info, warn or error")
		}
	}
	o := &slog.HandlerOptions{Level: l}
	if format == "" {
		format = "json"
		if f, ok := w.to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			format = "text"
		}
	}
	var h slog.Handler
	switch format {
	case "text":
		h = slog.NewTextHandler(w, o)
	case "json":
		h = slog.NewJSONHandler(w, o)
	default:
		return nil, errors.New("log-format must be text or json")
	}
	log := slog.New(promptly{h, w})
	w.tell = func(lost int) { log.Warn("lines of the log are lost: nobody has read them", "lines", lost) }
	return log, nil
}

func serveCommand(config configFunc, log *lines) *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		Short:   "Serve, in the foreground, until interrupted",
		Example: "  cmh-server serve\n  CMH_API_ADDR=0.0.0.0:8080 cmh-server serve --log-level info",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			log.gather()
			defer log.Close()
			cfg.Hasher = []string{os.Args[0], hashPasswords}
			cfg.Ready = func(at server.Listening) {
				line := "cmh-server ready: API " + at.API
				if at.SSH != "" {
					line += ", SSH " + at.SSH
				}
				if at.Metrics != "" {
					line += ", metrics " + at.Metrics
				}
				fmt.Fprintln(cmd.OutOrStdout(), line+", data "+at.DataDir)
			}
			return server.Run(cmd.Context(), cfg)
		},
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "cmh-server %s (%s %s)\n", client.Version, client.Commit, client.Date)
		},
	}
}

// readLine reads a secret from a stream, without the line's end.
func readLine(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return "", err
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", errors.New("give the password as one line on standard input")
	}
	return s, nil
}
