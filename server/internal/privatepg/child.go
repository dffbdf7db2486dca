package privatepg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const maxLog = 8 << 20

// child is one postmaster.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; to be read after done
}

// start runs a postmaster and returns when it accepts connections. What a
// killed predecessor left behind is removed; its backends may need a moment to
// notice, so it tries more than once.
func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var last error
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		if err := s.heal(ctx); err != nil {
			return err
		}
		c, err := s.spawn()
		if err != nil {
			return err
		}
		s.child = c
		if last = s.ready(ctx, c); last == nil {
			return nil
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			_ = c.stop(context.WithoutCancel(ctx), stopTime)
			return fmt.Errorf("start the database: %w\n%s", last, s.logTail())
		}
		if pause > time.Second {
			return fmt.Errorf("start the database: %w\n%s", last, s.logTail())
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// spawn starts a postmaster from a thread that stays until it has ended: the
// kernel sends Pdeathsig when the forking thread ends, not the process.
func (s *Server) spawn() (*child, error) {
	log, err := s.openLog()
	if err != nil {
		return nil, err
	}
	settings := []string{
		"-D", s.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories=" + s.socket, "-c", "unix_socket_permissions=0700",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200", "-c", "log_min_messages=warning", "-c", "log_checkpoints=off",
		"-c", "logging_collector=off", "-c", "log_destination=stderr",
		// Not in /dev/shm: whoever cleans that, such as logind when the account
		// it runs as logs out, would take the database down.
		"-c", "dynamic_shared_memory_type=mmap",
	}
	if s.cfg.Throwaway {
		settings = append(settings, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), settings...) //nolint:noctx // it ends by SIGINT, never by SIGKILL
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.data(), s.environment(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: s.as.credential(),
		Setpgid:    true, // Ctrl-C is for us; postgres is told once, by us
		Pdeathsig:  syscall.SIGINT,
	}
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		defer close(c.done)
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return c, nil
}

// ready waits until postmaster.pid says so in the name of this very child.
// Connecting to find out could reach another server.
func (s *Server) ready(ctx context.Context, c *child) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if l := s.pidFile(); len(l) >= 8 && l[0] == strconv.Itoa(c.cmd.Process.Pid) && strings.TrimSpace(l[7]) == "ready" {
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("postgres ended: %w", errors.Join(c.err, errors.New(s.logTail())))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stop ends the postmaster: politely, and when that takes too long without
// waiting for a checkpoint. Both lose nothing.
func (c *child) stop(ctx context.Context, limit time.Duration) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		select {
		case <-c.done:
			return nil
		default:
		}
		if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-c.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(limit):
		}
	}
	return errors.New("postgres does not stop")
}

func (s *Server) pidFile() []string {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(string(b), "\n")
}

// heal removes what a postmaster that is gone left behind, and ends one that
// outlived its supervisor. postgres itself takes a zombie for alive, and
// refuses.
func (s *Server) heal(ctx context.Context) error {
	if l := s.pidFile(); len(l) > 0 {
		if pid, err := strconv.Atoi(l[0]); err == nil && s.alive(pid) {
			if err := s.end(ctx, pid); err != nil {
				return err
			}
		}
	}
	for _, f := range []string{
		filepath.Join(s.data(), "postmaster.pid"), filepath.Join(s.socket, ".s.PGSQL.5432"), filepath.Join(s.socket, ".s.PGSQL.5432.lock"),
	} {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// alive reports whether pid is a postmaster of this data directory.
func (s *Server) alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// pid (comm) state ...; comm may hold anything.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || len(stat) < end+3 || stat[end+2] == 'Z' || string(stat[open+1:end]) != "postgres" {
		return false
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == s.data()
}

func (s *Server) end(ctx context.Context, pid int) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		_ = syscall.Kill(pid, sig) // it may end by itself meanwhile
		tick := time.NewTicker(20 * time.Millisecond)
		limit := time.After(5 * time.Second)
		for waiting := true; waiting; {
			if !s.alive(pid) {
				tick.Stop()
				return nil
			}
			select {
			case <-tick.C:
			case <-limit:
				waiting = false
			case <-ctx.Done():
				tick.Stop()
				return ctx.Err()
			}
		}
		tick.Stop()
	}
	return fmt.Errorf("a postgres of this directory (process %d) does not end", pid)
}

func (s *Server) logFile() string { return filepath.Join(s.cfg.Dir, "log") }

func (s *Server) openLog() (*os.File, error) {
	if i, err := os.Stat(s.logFile()); err == nil && i.Size() > maxLog {
		if err := os.Rename(s.logFile(), s.logFile()+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// logTail is the end of postgres's log, for ours.
func (s *Server) logTail() string {
	f, err := os.Open(s.logFile())
	if err != nil {
		return ""
	}
	defer f.Close()
	if i, err := f.Stat(); err == nil && i.Size() > 2000 {
		_, _ = f.Seek(-2000, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, 2000))
	return strings.TrimSpace(string(b))
}
