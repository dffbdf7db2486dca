package server

import (
	"context"
	"io"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/forming"
	"github.com/cloudmastershub/cmh/server/internal/hashing"
	"github.com/cloudmastershub/cmh/server/internal/mail"
	"github.com/cloudmastershub/cmh/server/internal/oidc"
)

// configureAccounts tells the rules what signing in has around it: a name for
// links, a way to send mail.
func configureAccounts(a *app.App, cfg Config) (err error) {
	if cfg.PublicURL != "" {
		u, err := url.Parse(strings.TrimSuffix(cfg.PublicURL, "/"))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
			return hub.Errorf(hub.Invalid, "public-url must look like https://hub.example.com.")
		}
		a.PublicURL = u.String()
	}
	if cfg.OIDCIssuer != "" {
		issuer, err := url.Parse(cfg.OIDCIssuer)
		if err != nil || issuer.Host == "" || cfg.OIDCClient == "" || a.PublicURL == "" {
			return hub.Errorf(hub.Invalid, "oidc-issuer is an address, and needs oidc-client and public-url beside it.")
		}
		name := cfg.OIDCName
		if name == "" {
			name = issuer.Hostname()
		}
		a.OIDC = oidc.New(oidc.Config{
			Name: name, Issuer: cfg.OIDCIssuer, ClientID: cfg.OIDCClient, ClientSecret: cfg.OIDCSecret, RedirectURL: a.PublicURL + "/auth/oidc/callback",
		})
	}
	if cfg.DeletionGrace != "" {
		if a.DeletionGrace, err = time.ParseDuration(cfg.DeletionGrace); err != nil || a.DeletionGrace <= 0 {
			return hub.Errorf(hub.Invalid, "deletion-grace must be a time, such as 336h.")
		}
	}
	if cfg.SMTP == "" {
		return nil
	}
	from := cfg.MailFrom
	if from == "" {
		u, err := url.Parse(a.PublicURL)
		if err != nil || u.Hostname() == "" {
			return hub.Errorf(hub.Invalid, "smtp: say whom the mail is from, with mail-from.")
		}
		from = "CloudMastersHub <no-reply@" + u.Hostname() + ">"
	}
	a.Mail, err = mail.Open(cfg.SMTP, from)
	return err
}

// HashPasswords is what Config.Hasher is for: it serves the server that started
// it until that closes in.
func HashPasswords(in io.Reader, out io.Writer) error { return hashing.Serve(in, out) }

// hasher starts this program once more, for passwords.
func hasher(cfg Config) (*hashing.Worker, error) {
	if len(cfg.Hasher) == 0 {
		return nil, nil
	}
	self, err := ourselves()
	if err != nil {
		return nil, err
	}
	return hashing.NewWorker(cfg.Log, self, cfg.Hasher...), nil
}

// FormJSON is what Config.Former is for: it does what one expression of a visitor
// asks for, and returns the process's exit status.
func FormJSON(in io.Reader, out, errs io.Writer) int { return forming.Serve(in, out, errs) }

// former starts this program once more, for each expression.
func former(cfg Config) (*forming.Forms, error) {
	if len(cfg.Former) == 0 {
		return nil, nil
	}
	self, err := ourselves()
	if err != nil {
		return nil, err
	}
	return forming.New(cfg.Log, self, cfg.Former...), nil
}

// ourselves is this program.
func ourselves() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil // also when a new version lies at its path
	}
	return os.Executable()
}

// ResetPassword gives somebody a new password and ends their sign-ins, beside a
// running server or without one.
func ResetPassword(ctx context.Context, cfg Config, login, password string) (u hub.User, err error) {
	err = withApp(ctx, cfg, func(a *app.App) error {
		u, err = a.SetPassword(ctx, strings.TrimSpace(login), password)
		return err
	})
	return u, err
}

// withApp calls do with the rules over the database that cfg names, which is
// started for it unless a server runs.
func withApp(ctx context.Context, cfg Config, do func(*app.App) error) (err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return err
	}
	db, done, err := joinDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = done(err) }()
	a := &app.App{DB: db, Log: cfg.Log, Now: time.Now}
	if err := configureAccounts(a, cfg); err != nil {
		return err
	}
	if err := a.DB.Migrate(ctx); err != nil {
		return err
	}
	return do(a)
}
