package server

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/privatepg"
)

// database is the store, and the PostgreSQL behind it when that is our own.
type database struct {
	*postgres.DB
	private *privatepg.Server
}

func privateConfig(cfg Config) privatepg.Config {
	return privatepg.Config{Dir: filepath.Join(cfg.DataDir, "postgres"), Log: cfg.Log}
}

// openDatabase does not wait for a database elsewhere: it may come later.
func openDatabase(ctx context.Context, cfg Config, with ...postgres.Option) (db database, err error) {
	at := cfg.DatabaseURL
	if at == "" {
		db.private, err = privatepg.Open(ctx, privateConfig(cfg))
		if errors.Is(err, privatepg.ErrRunning) {
			return db, hub.Wrap(err, hub.Conflict, "another cmh-server already runs on %s: stop it first, or choose another CMH_DATA_DIR.", cfg.DataDir)
		}
		if err != nil {
			return db, err
		}
		at = db.private.URL()
	}
	if db.DB, err = postgres.Open(ctx, at, with...); err != nil && db.private != nil {
		err = errors.Join(err, db.private.Close(context.WithoutCancel(ctx)))
	}
	return db, err
}

// bringUp makes the database ready for the rules, however long it is away. When
// ctx is done first, it gives up without an error.
func bringUp(ctx context.Context, a *app.App, private bool, log *slog.Logger) error {
	pause := 200 * time.Millisecond
	for {
		err := prepare(ctx, a, private, log)
		if err == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // what fails while the server stops is no failure
		}
		// A database that is away comes back; a wrong one stays wrong.
		if hub.CodeOf(err) != hub.Unavailable {
			if away := a.Ready(ctx); away == nil {
				return err
			}
		}
		log.WarnContext(ctx, "the database is not ready", "err", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func prepare(ctx context.Context, a *app.App, private bool, log *slog.Logger) error {
	if err := a.DB.Migrate(ctx); err != nil {
		return err
	}
	if err := a.DB.Durable(ctx); err != nil {
		if private {
			return err
		}
		log.WarnContext(ctx, "the database may lose acknowledged writes", "err", err)
	}
	ca, err := a.UserCA(ctx)
	if err != nil {
		return err
	}
	a.Labs.UserCA = ca
	return a.PublishStarter(ctx)
}

// CreateUser makes an account with any role, beside a running server or
// without one.
func CreateUser(ctx context.Context, cfg Config, r hub.Registration, role hub.Role) (u hub.User, err error) {
	err = withApp(ctx, cfg, func(a *app.App) error {
		u, err = a.CreateStaff(ctx, r, role)
		return err
	})
	return u, err
}

// WithDatabase calls do with where PostgreSQL's programs are, and the variables by
// which they find the hub's own database, which is started for it unless a server
// runs. Nothing of the hub's is made in it. Where there is none it is made only if
// fresh: an empty one could be taken for the hub's, and kept as its backup.
func WithDatabase(ctx context.Context, cfg Config, fresh bool, do func(bin string, env []string) error) (err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return err
	}
	if cfg.DatabaseURL != "" {
		return hub.Errorf(hub.Invalid, "The database is one that you keep (CMH_DATABASE_URL): run the program with its address, such as psql -d \"$CMH_DATABASE_URL\".")
	}
	if there, err := privatepg.Exists(privateConfig(cfg).Dir); err != nil {
		return err
	} else if !there && !fresh {
		return hub.Errorf(hub.NotFound, "no hub has kept anything in %s: set CMH_DATA_DIR, or CMH_DATABASE_URL, as it is for the hub (a service has it in its unit, or in /etc/cmh/server.env); --new makes a database there, for a restore.", cfg.DataDir)
	}
	if err := makeDataDir(cfg.DataDir); err != nil {
		return err
	}
	bin, _, err := privatepg.Find()
	if err != nil {
		return err
	}
	dsn, leave, err := privatepg.Join(ctx, privateConfig(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(context.WithoutCancel(ctx))) }()
	u, err := url.Parse(dsn)
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	return do(bin, []string{
		"PGHOST=" + u.Query().Get("host"), "PGUSER=" + u.User.Username(), "PGPASSWORD=" + password,
		"PGDATABASE=" + strings.TrimPrefix(u.Path, "/"),
	})
}

// joinDatabase opens the database for a moment. done closes it, and joins what
// goes wrong then to err.
func joinDatabase(ctx context.Context, cfg Config) (db *postgres.DB, done func(err error) error, err error) {
	at, leave := cfg.DatabaseURL, func(context.Context) error { return nil }
	if at == "" {
		if err := makeDataDir(cfg.DataDir); err != nil {
			return nil, nil, err
		}
		if at, leave, err = privatepg.Join(ctx, privateConfig(cfg)); err != nil {
			return nil, nil, err
		}
	}
	if db, err = postgres.Open(ctx, at); err != nil {
		return nil, nil, errors.Join(err, leave(context.WithoutCancel(ctx)))
	}
	return db, func(err error) error {
		db.Close()
		return errors.Join(err, leave(context.WithoutCancel(ctx)))
	}, nil
}
