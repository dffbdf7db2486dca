package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
)

// drainTime is how long the server answers still, once told to stop. On loopback
// nobody shares out requests, and whoever presses Ctrl-C doesn't want to wait.
func drainTime(cfg Config) (time.Duration, error) {
	if cfg.Drain != "" {
		d, err := time.ParseDuration(cfg.Drain)
		if err != nil || d < 0 || d > 10*time.Minute {
			return 0, hub.Errorf(hub.Invalid, "drain must be a time up to 10m, such as 5s, not %q.", cfg.Drain)
		}
		return d, nil
	}
	host, _, err := net.SplitHostPort(cfg.APIAddr)
	if err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback()) {
		return 0, nil
	}
	return 5 * time.Second, nil
}

// linger is ctx with a while more: when ctx ends, the server is not ready for
// new requests, and answers them still until whoever shares them out has heard.
// stop ends it at once.
func linger(ctx context.Context, d time.Duration, a *app.App) (later context.Context, stop context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-ctx.Done():
		case <-later.Done():
			return
		}
		a.Leaving.Store(true)
		if d > 0 && !a.Starting.Load() {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
			case <-later.Done():
			}
		}
		cancel()
	}()
	return later, func() {
		cancel()
		<-over
	}
}

// serveHTTP serves the API until ctx is done, and lets what runs finish.
func serveHTTP(ctx context.Context, cfg Config, l net.Listener, d *door, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ConnContext:       httpapi.OnConn,
		TLSConfig:         d.config(),
		ReadHeaderTimeout: 8 * time.Second, // of a TLS handshake, too
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
	serve := func() error { return srv.Serve(httpapi.Gather(l)) }
	if srv.TLSConfig != nil {
		serve = func() error { return srv.ServeTLS(l, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// corsOrigins reads a list of origins, as browsers write them.
func corsOrigins(list string) (origins []string, err error) {
	for o := range strings.SplitSeq(list, ",") {
		if o = strings.TrimSpace(o); o == "" {
			continue
		}
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Host == "" || o != u.Scheme+"://"+u.Host || strings.ToLower(o) != o || strings.Contains(o, "*")) {
			return nil, hub.Errorf(hub.Invalid, "cors-origins must be origins such as https://app.example.com, or *, not %q.", o)
		}
		origins = append(origins, o)
	}
	return origins, nil
}
