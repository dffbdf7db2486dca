// Package server assembles and runs the hub: database, rules, API, SSH gateway,
// labs and background work. Each part lives in a package of its own; here is
// only what they are given and in which order they begin and end.
package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/jobs"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/tracing"
)

// traceGrace is how long the last spans may take to leave.
const traceGrace = 2 * time.Second

// Run serves until ctx is done, then lets what is running finish.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return err
	}
	defer spaceOut()()
	if err := makeDataDir(cfg.DataDir); err != nil {
		return hub.Wrap(err, hub.Unavailable, "The data directory: %s", err)
	}
	drain, err := drainTime(cfg)
	if err != nil {
		return err
	}
	origins, err := corsOrigins(cfg.CORSOrigins)
	if err != nil {
		return err
	}
	door, err := newDoor(cfg)
	if err != nil {
		return err
	}
	listeners, err := listenAll(ctx, cfg)
	if err != nil {
		return err
	}
	defer listeners.Close()
	sshListener := listeners.ssh
	keyPEM, key, err := hostKey(cfg.DataDir)
	if err != nil {
		return err
	}

	tracer, err := tracing.Open(ctx)
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "Traces: %s", err)
	}
	var observed []postgres.Option
	if tracer != nil {
		cfg.Log = slog.New(tracing.Logged(cfg.Log.Handler()))
		observed = append(observed, postgres.Traced(tracer))
		defer func() {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceGrace)
			defer cancel()
			_ = tracer.Close(grace) // a collector that is away keeps nobody from stopping
		}()
	}
	db, err := openDatabase(ctx, cfg, observed...)
	if err != nil {
		return err
	}
	closeDB := db.run(ctx, cfg.Log)
	defer func() { err = errors.Join(err, closeDB()) }()

	a := &app.App{DB: db.DB, Log: cfg.Log, Now: time.Now}
	a.Starting.Store(true)
	if a.Hashing, err = hasher(cfg); err != nil {
		return err
	}
	defer a.Hashing.Close()
	ctx, left := linger(ctx, drain, a)
	defer left()
	if a.HideSchema, err = cfg.hideSchema(); err != nil {
		return err
	}
	if a.Limits, err = limits(cfg); err != nil {
		return err
	}
	if a.TrustedProxies, err = forwarders(cfg); err != nil {
		return err
	}
	if err := configureAccounts(a, cfg); err != nil {
		return err
	}
	driver, closeDriver, err := openDriver(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeDriver()
	if d, ok := driver.(interface{ Changed() string }); ok && d.Changed() != "" {
		cfg.Log.WarnContext(ctx, "a setting of this machine was changed, for labs to watch files", "what", d.Changed())
	}
	if err := configureLabs(ctx, a, cfg, driver); err != nil {
		return err
	}
	if driver != nil {
		defer a.Labs.Engine.Desk.Close()
	}
	warm, err := warmLabs(cfg, driver, a.Labs.MaxRunning)
	if err != nil {
		return err
	}
	if warm != nil {
		a.Labs.Engine.Maker = warm
	}
	if a.Labs.SSH, err = sshAddress(sshListener.Addr(), cfg.SSHHost, key); err != nil {
		return err
	}

	g, ctx := errgroup.WithContext(ctx)
	watch := &watched{app: a, warm: warm}
	counts := meters(ctx, cfg, watch)
	if l := listeners.metrics; l != nil {
		g.Go(func() error { return serveMetrics(ctx, l, counts) })
	}
	if l := listeners.redirect; l != nil {
		g.Go(func() error { return serveAside(ctx, l, door.redirect(a.PublicURL)) })
	}
	g.Go(func() error { return door.run(ctx, cfg.Log) })
	g.Go(func() error {
		<-ctx.Done()
		a.CloseStreams() // or the API would wait for them
		return nil
	})
	api := httpapi.New(a, cfg.Log, httpapi.Metered(counts), httpapi.Origins(origins...), httpapi.Traced(tracer))
	g.Go(func() error { return serveHTTP(ctx, cfg, listeners.api, door, api) })
	g.Go(func() error {
		if err := bringUp(ctx, a, db.private != nil, cfg.Log); err != nil || ctx.Err() != nil {
			return err
		}
		background, err := jobs.New(a, cfg.Log, counts)
		if err != nil {
			return err
		}
		g.Go(func() error { return background.Run(ctx) })
		g.Go(func() error { return a.Watch(ctx) })
		if warm != nil {
			g.Go(func() error { return warm.Run(ctx) })
		}
		if driver != nil {
			open := &visits{app: a, log: cfg.Log}
			gw, err := newGateway(a, cfg, sshListener, keyPEM, driver, open)
			if err != nil {
				return err
			}
			watch.gateway.Store(gw)
			g.Go(func() error { return gw.Run(ctx) })
			g.Go(func() error { return open.run(ctx) })
		} else if err := sshListener.Close(); err != nil { // nobody would ever answer there
			return err
		}
		a.Starting.Store(false)
		if cfg.Ready != nil {
			at := Listening{API: door.scheme() + "://" + listeners.api.Addr().String(), DataDir: cfg.DataDir}
			if driver != nil {
				at.SSH = sshListener.Addr().String()
			}
			if l := listeners.metrics; l != nil {
				at.Metrics = "http://" + l.Addr().String() + "/metrics"
			}
			cfg.Ready(at)
		}
		return nil
	})
	return g.Wait()
}

// run keeps the private database up until the returned function is called,
// after everything that needs it has ended.
func (db database) run(ctx context.Context, log *slog.Logger) (stop func() error) {
	if db.private == nil {
		return func() error { db.Close(); return nil }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- db.private.Run(ctx) }()
	return func() error {
		db.Close()
		cancel()
		err := <-ended
		log.InfoContext(ctx, "the database has stopped", "err", err)
		return err
	}
}

// configureLabs tells the rules what labs can be here.
func configureLabs(ctx context.Context, a *app.App, cfg Config, driver labs.Driver) error {
	node, err := nodeName(cfg.DataDir)
	if err != nil {
		return err
	}
	a.Labs.Node, a.Labs.Driver = node, cfg.LabDriver
	if a.Labs.MaxRunning, a.Labs.MaxStarting, err = labLimits(cfg); err != nil {
		return err
	}
	if a.Labs.Free, a.Labs.Premium, err = labTimes(cfg); err != nil {
		return err
	}
	if driver != nil {
		out, err := wayOut(cfg)
		if err != nil {
			return err
		}
		a.Labs.Engine = &labs.Engine{Driver: driver, Image: cfg.LabImage, Egress: out, Desk: newDesk(a, driver)}
		a.Labs.Abilities = abilities(ctx, cfg, a.Labs.Engine)
		if a.Labs.Installed, a.Labs.InstalledState, err = installed(cfg); err != nil {
			return err
		}
		a.Labs.OneLearner = oneLearner(ctx, driver)
	}
	return nil
}
