package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/privatepg"
)

// operate opens the driver beside a running server, or without one, for what
// an operator asks of it.
func operate(ctx context.Context, cfg Config, do func(Config, labs.Driver) error) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if cfg.LabDriver == "none" {
		return hub.Errorf(hub.Conflict, "this server runs no labs (CMH_LAB_DRIVER=none).")
	}
	if _, err := os.Stat(cfg.DataDir); err != nil {
		return hub.Wrap(err, hub.NotFound, "no server has run here: %s", err)
	}
	driver, done, err := openDriver(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	return do(cfg, driver)
}

// Labs says how the sandboxes on this machine are doing, the oldest first.
func Labs(ctx context.Context, cfg Config) (all []labs.Condition, err error) {
	err = operate(ctx, cfg, func(_ Config, driver labs.Driver) error {
		ids, err := driver.List(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			c, err := examine(ctx, driver, id)
			if errors.Is(err, labs.ErrNotFound) {
				continue // gone meanwhile
			}
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b labs.Condition) int { return a.Since.Compare(b.Since) })
	return all, err
}

func examine(ctx context.Context, driver labs.Driver, id string) (labs.Condition, error) {
	if e, ok := driver.(labs.Examiner); ok {
		return e.Examine(ctx, id)
	}
	c := labs.Condition{ID: id, State: labs.Running, Memory: -1, Pids: -1}
	conn, err := driver.Dial(ctx, id)
	switch {
	case errors.Is(err, labs.ErrNotFound):
		c.State = labs.Dead
	case err != nil:
		return c, err
	default:
		_ = conn.Close()
	}
	return c, nil
}

// KillLab ends one sandbox, whatever it is doing. Its session ends when the
// server next looks.
func KillLab(ctx context.Context, cfg Config, id string) error {
	return operate(ctx, cfg, func(_ Config, driver labs.Driver) error {
		ids, err := driver.List(ctx)
		if err != nil {
			return err
		}
		if !slices.Contains(ids, id) {
			return hub.Errorf(hub.NotFound, "no sandbox is called %q; cmh-server labs list names them.", id)
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return (&labs.Engine{Driver: driver}).Destroy(ctx, id) // with the other hosts of its lab
	})
}

// CollectLabs removes the sandboxes that no running session owns, and says
// which those were. Where there is no database to ask, only those go that no
// session can be in: what lives might be somebody's whom another database
// knows.
func CollectLabs(ctx context.Context, cfg Config) (gone []string, err error) {
	err = operate(ctx, cfg, func(cfg Config, driver labs.Driver) (err error) {
		url, done, err := findDatabase(ctx, cfg)
		if err != nil {
			return err
		}
		if url == "" {
			gone, err = collectDead(ctx, driver)
			return err
		}
		defer func() { err = errors.Join(err, done(context.WithoutCancel(ctx))) }()
		db, err := postgres.Open(ctx, url)
		if err != nil {
			return err
		}
		defer db.Close()
		a := &app.App{DB: db, Log: cfg.Log, Now: time.Now}
		if a.Labs.Node, err = nodeName(cfg.DataDir); err != nil {
			return err
		}
		a.Labs.Driver, a.Labs.Engine = cfg.LabDriver, &labs.Engine{Driver: driver}
		gone, err = a.CollectLabs(ctx)
		return err
	})
	return gone, err
}

// findDatabase is the database of this data directory, if it ever had one.
func findDatabase(ctx context.Context, cfg Config) (url string, done func(context.Context) error, err error) {
	if cfg.DatabaseURL != "" {
		return cfg.DatabaseURL, func(context.Context) error { return nil }, nil
	}
	if _, err := os.Stat(filepath.Join(privateConfig(cfg).Dir, "data", "PG_VERSION")); err != nil {
		return "", nil, nil //nolint:nilerr // there is none
	}
	return privatepg.Join(ctx, privateConfig(cfg))
}

func collectDead(ctx context.Context, driver labs.Driver) (gone []string, err error) {
	ids, err := driver.List(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, id := range ids {
		c, err := examine(ctx, driver, id)
		if err != nil || c.State == labs.Running || c.State == labs.Making {
			continue
		}
		if err := driver.Destroy(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, id)
	}
	return gone, errors.Join(errs...)
}
