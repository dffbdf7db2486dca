package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"golang.org/x/term"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
	"github.com/cloudmastershub/cmh/words"
)

// setting is one value of the configuration: a flag, CMH_ and its name in
// capitals, or its name in the file.
type setting struct {
	name, usage string
	to          func(*server.Config) *string
}

func set(name, usage string, to func(*server.Config) *string) setting {
	return setting{name, usage, to}
}

var settings = []setting{
	set("data-dir", "where everything is kept", func(c *server.Config) *string { return &c.DataDir }),
	set("database-url", "a PostgreSQL to use; without one the server runs its own", func(c *server.Config) *string { return &c.DatabaseURL }),
	set("api-addr", "where the API listens (127.0.0.1:8080)", func(c *server.Config) *string { return &c.APIAddr }),
	set("ssh-addr", "where the SSH gateway listens (127.0.0.1:2222)", func(c *server.Config) *string { return &c.SSHAddr }),
	set("ssh-host", "the name by which learners reach the SSH gateway", func(c *server.Config) *string { return &c.SSHHost }),
	set("public-url", "what people call this hub, such as https://hub.example.com: for links in mail and signing in by browser", func(c *server.Config) *string { return &c.PublicURL }),
	set("smtp", "the mail server, smtp://user:password@host:587 or smtps://...; without one no mail is sent. Better set as CMH_SMTP", func(c *server.Config) *string { return &c.SMTP }),
	set("mail-from", "whom mail is from (CloudMastersHub <no-reply@the public host>)", func(c *server.Config) *string { return &c.MailFrom }),
	set("oidc-issuer", "an OpenID Connect provider that people may sign in with; public-url/auth/oidc/callback is where it sends them back", func(c *server.Config) *string { return &c.OIDCIssuer }),
	set("oidc-client", "the client id that the provider has for this hub", func(c *server.Config) *string { return &c.OIDCClient }),
	set("oidc-secret", "its secret, where it has one. Better set as CMH_OIDC_SECRET", func(c *server.Config) *string { return &c.OIDCSecret }),
	set("oidc-name", "what people call the provider (its host)", func(c *server.Config) *string { return &c.OIDCName }),
	set("deletion-grace", "how long an account that is to be deleted may still be kept (336h)", func(c *server.Config) *string { return &c.DeletionGrace }),
	set("lab-image", "the image of labs that name none (debian); host borrows this machine's /usr, for development only", func(c *server.Config) *string { return &c.LabImage }),
	set("lab-driver", "how labs are run: local, docker, podman or none", func(c *server.Config) *string { return &c.LabDriver }),
	set("lab-engine", "Docker or Podman: unix:///path, tcp://name:port or ssh://user@name (DOCKER_HOST, CONTAINER_HOST, else where its socket usually is)", func(c *server.Config) *string { return &c.LabEngine }),
	set("lab-old-runc", "yes takes an engine whose runc can be broken out of, for trying things", func(c *server.Config) *string { return &c.LabOldRunc }),
	set("lab-max", "how many labs may run at once (one for each 128 MiB of memory, at most 1000); others queue", func(c *server.Config) *string { return &c.LabMax }),
	set("lab-starts", "how many labs may be started at once (4, or one for each processor)", func(c *server.Config) *string { return &c.LabStarts }),
	set("lab-warm", "how many sandboxes wait for their learners, of each of the three kinds asked for most (2; 0 for none)", func(c *server.Config) *string { return &c.LabWarm }),
	set("lab-free", "the time of a free learner's lab, with extensions, and left alone (1h/2h/30m)", func(c *server.Config) *string { return &c.LabFree }),
	set("lab-premium", "the same for premium members, instructors and admins (2h/8h/1h)", func(c *server.Config) *string { return &c.LabPremium }),
	set("tls-cert", "serve the API over TLS, with this certificate and its chain (PEM); read again when it changes, and on SIGHUP", func(c *server.Config) *string { return &c.TLSCert }),
	set("tls-key", "the certificate's private key (PEM)", func(c *server.Config) *string { return &c.TLSKey }),
	set("acme-hosts", "serve the API over TLS, with certificates from an ACME authority for these names, with commas", func(c *server.Config) *string { return &c.ACMEHosts }),
	set("acme-email", "whom the ACME authority may write to", func(c *server.Config) *string { return &c.ACMEEmail }),
	set("acme-directory", "the ACME authority (Let's Encrypt)", func(c *server.Config) *string { return &c.ACMEDirectory }),
	set("redirect-addr", "where http:// is answered with https://, and ACME's questions, such as :80 (nowhere)", func(c *server.Config) *string { return &c.RedirectAddr }),
	set("cors-origins", "origins, with commas, whose pages may read the API: https://app.example.com (none; * is any)", func(c *server.Config) *string { return &c.CORSOrigins }),
	set("proxy-protocol", "what the trusted proxies reach by the PROXY protocol: api, ssh or api,ssh (nothing)", func(c *server.Config) *string { return &c.ProxyProtocol }),
	set("drain", "how long to answer still, not ready, once told to stop (5s; 0s where the API listens on loopback)", func(c *server.Config) *string { return &c.Drain }),
	set("metrics-addr", "where Prometheus may read how the server does, such as 127.0.0.1:9090 (nowhere); who reaches it may read", func(c *server.Config) *string { return &c.MetricsAddr }),
	set("trusted-proxies", "addresses and networks, with commas, whose X-Forwarded-For is believed, and with proxy-protocol their announcements, which they then have to make (none)", func(c *server.Config) *string { return &c.Proxies }),
	set("graphql-introspection", "no keeps the GraphQL schema from those who ask /v1/graphql for it (yes)", func(c *server.Config) *string { return &c.Introspection }),
	set("limit-guest", "requests an hour of an address that hasn't signed in (100; 0 is without limit)", func(c *server.Config) *string { return &c.LimitGuest }),
	set("limit-free", "requests an hour of a free account, over all doors (1000; 0 is without limit)", func(c *server.Config) *string { return &c.LimitFree }),
	set("limit-premium", "the same for premium members, instructors and admins (10000)", func(c *server.Config) *string { return &c.LimitPaid }),
	set("limit-sign-in", "requests an hour of one address that sign in, register or reset (600; 0 is without limit)", func(c *server.Config) *string { return &c.LimitSignIn }),
	set("lab-minutes", "minutes of labs a day for free members (60; 0 is without limit)", func(c *server.Config) *string { return &c.LabMinutes }),
	set("lab-egress", "what labs may reach outside, if they ask: example.org,*.example.org:443; * for any public name (nothing)", func(c *server.Config) *string { return &c.LabEgress }),
	set("image-dir", "where the images of labs are kept", func(c *server.Config) *string { return &c.ImageDir }),
	set("lab-agent", "the lab-agent program, when it is not beside this one", func(c *server.Config) *string { return &c.LabAgent }),
}

func command(env *cli.Env) *cobra.Command {
	v := viper.New()
	v.SetEnvPrefix("cmh")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	var file string
	root := cli.Group("cmh-server", "Runs CloudMastersHub: API, SSH gateway, labs and background work")
	root.Long = "Runs CloudMastersHub: API, SSH gateway, labs and background work.\n\n" +
		"A setting is taken from its flag, else from CMH_ and its name in capitals (CMH_API_ADDR), else from the file given by --config."
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if file == "" {
			file = os.Getenv("CMH_CONFIG")
		}
		if file == "" {
			return nil
		}
		v.SetConfigFile(file)
		if err := v.ReadInConfig(); err != nil {
			return hub.Wrap(err, hub.Invalid, "The settings can't be read: %s", err)
		}
		return nil
	}
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	cli.Speak(root, env)
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
	root.AddCommand(serveCommand(env, config, log), adminCommand(env, config), databaseCommand(config), doctorCommand(env, config), readyCommand(config),
		imageCommand(env, config), labsCommand(env, config), versionCommand(env))
	return root
}

// What cobra adds by itself.
var _ = [...]string{
	words.Mark("Help about any command"), words.Mark("Generate the autocompletion script for the specified shell"),
	words.Mark("Generate the autocompletion script for bash"), words.Mark("Generate the autocompletion script for zsh"),
	words.Mark("Generate the autocompletion script for fish"), words.Mark("Generate the autocompletion script for powershell"),
}

// configFunc reads the configuration once flags are parsed.
type configFunc func() (server.Config, error)

func logger(level, format string, w *lines) (*slog.Logger, error) {
	l := slog.LevelWarn
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, hub.Errorf(hub.Invalid, "log-level must be debug, info, warn or error.")
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
		return nil, hub.Errorf(hub.Invalid, "log-format must be text or json.")
	}
	log := slog.New(promptly{h, w})
	w.tell = func(lost int) { log.Warn("lines of the log are lost: nobody has read them", "lines", lost) }
	return log, nil
}

func serveCommand(env *cli.Env, config configFunc, log *lines) *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		Short:   "Serve, in the foreground, until interrupted",
		Example: "  cmh-server serve\n  CMH_API_ADDR=0.0.0.0:8080 cmh-server serve --log-level info",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			log.gather()
			defer log.Close()
			cfg.Hasher, cfg.Former = []string{os.Args[0], hashPasswords}, []string{os.Args[0], formJSON}
			cfg.Ready = func(at server.Listening) { fmt.Fprintln(env.Out, readyAt(env.Shown(), at)) }
			return server.Run(cmd.Context(), cfg)
		},
	}
}

// readyAt says that the server is, and where. Programs wait for it, in English.
func readyAt(say words.Speaker, at server.Listening) string {
	line := say.Tf("cmh-server ready: API %s", at.API)
	if at.SSH != "" {
		line += say.Tf(", SSH %s", at.SSH)
	}
	if at.Metrics != "" {
		line += say.Tf(", metrics %s", at.Metrics)
	}
	return line + say.Tf(", data %s", at.DataDir)
}

func versionCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  cmh-server version",
		Args:    cli.Args(),
		Run: func(*cobra.Command, []string) {
			fmt.Fprintf(env.Out, "cmh-server %s (%s %s)\n", client.Version, client.Commit, client.Date)
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
		return "", hub.Errorf(hub.Invalid, "Give the password as one line on standard input.")
	}
	return s, nil
}
