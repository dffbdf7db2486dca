// Package server assembles and runs the hub: database, rules, API, SSH gateway,
// labs and background work. Each part lives in a package of its own; here is
// only what they are given and in which order they begin and end.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/jobs"
)

// Run serves until ctx is done, then lets what is running finish.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return err
	}
	if err := makeDataDir(cfg.DataDir); err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	apiListener, err := listen(ctx, "API", cfg.APIAddr)
	if err != nil {
		return err
	}
	defer apiListener.Close()
	sshListener, err := listen(ctx, "SSH", cfg.SSHAddr)
	if err != nil {
		return err
	}
	defer sshListener.Close()
	var metricsListener net.Listener
	if cfg.MetricsAddr != "" {
		if metricsListener, err = listen(ctx, "metrics", cfg.MetricsAddr); err != nil {
			return err
		}
		defer metricsListener.Close()
	}
	keyPEM, key, err := hostKey(cfg.DataDir)
	if err != nil {
		return err
	}

	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	closeDB := db.run(ctx, cfg.Log)
	defer func() { err = errors.Join(err, closeDB()) }()

	a := &app.App{DB: db.DB, Log: cfg.Log, Now: time.Now}
	a.Starting.Store(true)
	if a.Limits, err = limits(cfg); err != nil {
		return err
	}
	if a.TrustedProxies, err = trustedProxies(cfg.Proxies); err != nil {
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
	if metricsListener != nil {
		g.Go(func() error { return serveMetrics(ctx, metricsListener, counts) })
	}
	g.Go(func() error {
		<-ctx.Done()
		a.CloseStreams() // or the API would wait for them
		return nil
	})
	g.Go(func() error {
		return serveHTTP(ctx, cfg, apiListener, httpapi.New(a, cfg.Log, httpapi.Metered(counts)))
	})
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
			gw, err := newGateway(a, cfg, sshListener, keyPEM, driver)
			if err != nil {
				return err
			}
			watch.gateway.Store(gw)
			g.Go(func() error { return gw.Run(ctx) })
		}
		a.Starting.Store(false)
		if cfg.Ready != nil {
			at := Listening{API: "http://" + apiListener.Addr().String(), DataDir: cfg.DataDir}
			if driver != nil {
				at.SSH = sshListener.Addr().String()
			}
			if metricsListener != nil {
				at.Metrics = "http://" + metricsListener.Addr().String() + "/metrics"
			}
			cfg.Ready(at)
		}
		return nil
	})
	return g.Wait()
}

func listen(ctx context.Context, what, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the %s address %s: %w (is another cmh-server running?)", what, addr, err)
	}
	return l, nil
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
		if a.Labs.Installed, err = installed(cfg); err != nil {
			return err
		}
		a.Labs.OneLearner = oneLearner(ctx, driver)
	}
	return nil
}

func serveHTTP(ctx context.Context, cfg Config, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 8 * time.Second,
		WriteTimeout:      3 * time.Minute, // a lab's check is waited for
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Grace)
		defer cancel()
		err := srv.Shutdown(grace)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		stopped <- err
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
