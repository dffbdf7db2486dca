// Package privatepg runs a PostgreSQL of the server's own: found on the host,
// kept under one directory, reachable through a socket only that the server's
// user can open, started again when it dies. What is stored in it is package
// postgres's business, and a machine with a database of its own needs none of
// this.
package privatepg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startTime = 60 * time.Second // with crash recovery
	stopTime  = 20 * time.Second
	user      = "cmh"
)

// ErrRunning is returned by Open when another process runs this database.
var ErrRunning = errors.New("it is in use by another cmh-server")

// Config says where and how.
type Config struct {
	// Dir holds everything: data, socket, password, log. As root, an
	// unprivileged user must be able to traverse every directory above it.
	Dir string
	Bin string // directory of the postgres binaries; empty finds them
	Log *slog.Logger

	// Throwaway trades every committed row for speed. For tests only.
	Throwaway bool
}

// Server is a running database.
type Server struct {
	cfg    Config
	bin    string
	as     *owner
	lock   *os.File
	socket string // directory
	pass   string
	child  *child
}

// Open starts the database, and makes it first if there is none. When it
// returns, connections are accepted; Run must follow, or Close.
func Open(ctx context.Context, cfg Config) (_ *Server, err error) {
	s, err := locate(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil {
		return nil, err
	}
	if s.lock, err = lock(ctx, s.cfg.Dir+".lock"); err != nil {
		return nil, fmt.Errorf("the database in %s: %w", cfg.Dir, err)
	}
	defer func() {
		if err != nil {
			_ = s.lock.Close()
		}
	}()
	if err := s.as.own(cfg.Dir); err != nil {
		return nil, err
	}
	if err := s.as.reaches(cfg.Dir); err != nil {
		return nil, err
	}
	if err := s.makeSocketDir(); err != nil {
		return nil, err
	}
	if err := s.initialise(ctx); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Exists says whether a database was ever made in dir, a Config's Dir.
func Exists(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "data", "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Join opens the database, or finds the running one of another process. Done
// ends what Join started.
func Join(ctx context.Context, cfg Config) (dsn string, done func(context.Context) error, err error) {
	s, err := Open(ctx, cfg)
	if err == nil {
		return s.URL(), s.Close, nil
	}
	if !errors.Is(err, ErrRunning) {
		return "", nil, err
	}
	if s, err = locate(cfg); err != nil {
		return "", nil, err
	}
	if s.pass, err = s.readPassword(); err != nil {
		return "", nil, fmt.Errorf("the running database in %s is not yours: %w", cfg.Dir, err)
	}
	return s.URL(), func(context.Context) error { return nil }, nil
}

func locate(cfg Config) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, socket: socketDir(dir)}
	if s.bin, err = findBin(cfg.Bin); err != nil {
		return nil, err
	}
	s.as, err = unprivileged()
	return s, err
}

// URL is how to connect. It holds the password.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, s.pass), Path: "/postgres"}
	u.RawQuery = url.Values{"host": {s.socket}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Run keeps the database running until ctx is done, then stops it cleanly. It
// fails only if the database cannot be stopped.
func (s *Server) Run(ctx context.Context) error {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	pause, since := least, time.Now()
	for {
		select {
		case <-ctx.Done():
			return s.Close(context.WithoutCancel(ctx))
		case <-s.child.done:
		}
		if time.Since(since) > time.Minute {
			pause = least
		}
		s.cfg.Log.ErrorContext(ctx, "the database ended by itself and is started again", "in", pause, "err", s.child.err, "log", s.logTail())
		select {
		case <-ctx.Done():
			return s.Close(context.WithoutCancel(ctx))
		case <-time.After(pause):
		}
		pause, since = min(2*pause, most), time.Now()
		if err := s.start(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "start the database", "err", err)
		}
	}
}

// Close stops the database and lets the next one have its directory. It may be
// called instead of Run.
func (s *Server) Close(ctx context.Context) error {
	defer s.lock.Close()
	return s.child.stop(ctx, stopTime)
}

func (s *Server) data() string { return filepath.Join(s.cfg.Dir, "data") }

// initialise makes the database. It happens in a sibling directory that is
// renamed when it is whole: a PG_VERSION alone proves nothing after a kill.
func (s *Server) initialise(ctx context.Context) (err error) {
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		s.pass, err = s.readPassword()
		return err
	}
	fresh := s.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	s.pass = rand.Text()
	if err := s.as.write(s.passwordFile(), []byte(s.pass+"\n")); err != nil {
		return err
	}
	args := []string{
		"-D", fresh, "-U", user, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--pwfile=" + s.passwordFile(), "--no-instructions",
	}
	if s.cfg.Throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), args...)
	cmd.Dir, cmd.Env = s.cfg.Dir, s.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a database: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.Rename(fresh, s.data())
}

func (s *Server) passwordFile() string { return filepath.Join(s.cfg.Dir, "password") }

func (s *Server) readPassword() (string, error) {
	b, err := os.ReadFile(s.passwordFile())
	return string(bytes.TrimSpace(b)), err
}

// environment is all that postgres sees: no PGDATA, no locale of the caller.
func (s *Server) environment() []string {
	return []string{"LC_ALL=C.UTF-8", "TZ=UTC", "PATH=" + s.bin + ":/usr/bin:/bin", "HOME=" + s.cfg.Dir}
}
