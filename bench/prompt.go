package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
)

// patience bounds the wait for one prompt.
const patience = 20 * time.Second

// prompted reads until there is a prompt: the first '#' or '$'.
func prompted(r io.Reader) error {
	buf := make([]byte, 4096)
	var seen []byte
	for {
		n, err := r.Read(buf)
		seen = append(seen, buf[:n]...)
		if bytes.ContainsAny(buf[:n], "#$") {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no prompt but %q: %w", seen, err)
		}
	}
}

// untilPrompt times a command on a terminal from its start to its first
// prompt, and then ends it: bye is typed, or it is killed.
func untilPrompt(bye string, argv ...string) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm-256color"}
		began := time.Now()
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
		if err != nil {
			return 0, err
		}
		defer tty.Close()
		err = prompted(tty)
		took := time.Since(began)
		if err == nil && bye != "" {
			_, err = io.WriteString(tty, bye)
			_, _ = io.Copy(io.Discard, tty) // ends with the terminal
		} else {
			_ = cmd.Process.Kill()
		}
		if werr := cmd.Wait(); ctx.Err() != nil {
			return 0, errors.Join(ctx.Err(), werr)
		}
		return took, err
	}
}

// shell opens a terminal on an SSH connection and waits for its prompt. The
// command is the user's shell when it is empty.
func shell(c *ssh.Client, command string) (*ssh.Session, io.WriteCloser, io.Reader, error) {
	s, err := c.NewSession()
	if err != nil {
		return nil, nil, nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := s.RequestPty("xterm-256color", 24, 80, ssh.TerminalModes{}); err != nil {
		return nil, nil, nil, err
	}
	start := s.Shell
	if command != "" {
		start = func() error { return s.Start(command) }
	}
	if err := start(); err != nil {
		return nil, nil, nil, err
	}
	return s, in, out, prompted(out)
}

// dialPrompt times connection, authentication, terminal and prompt of
// whatever dial reaches.
func dialPrompt(dial func(context.Context) (*ssh.Client, error)) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		began := time.Now()
		c, err := dial(ctx)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { _ = c.Close() })()
		_, _, _, err = shell(c, "")
		return time.Since(began), err
	}
}
