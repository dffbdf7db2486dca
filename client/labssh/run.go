package labssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Stdio is what a command reads and writes. A nil In is empty.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run runs command in the lab and returns its exit status; 128 + n when signal
// n ended it. One word is a line for the lab's shell; of several words each
// reaches the program as it is. The error is ErrLost when the connection broke
// before the command had ended.
func Run(ctx context.Context, certify Certify, command []string, s Stdio) (int, error) {
	c, err := dial(ctx, certify)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	session, err := c.NewSession()
	if err != nil {
		return 0, lost(ctx, err)
	}
	defer session.Close()
	session.Stdout, session.Stderr = s.Out, s.Err
	in, err := session.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := session.Start(line(command)); err != nil {
		return 0, lost(ctx, err)
	}
	go func() { // may outlive the command: nobody can call back a read
		if s.In != nil {
			_, _ = io.Copy(in, s.In)
		}
		_ = in.Close()
	}()
	return status(ctx, session.Wait())
}

// line is command as the one text that SSH carries.
func line(command []string) string {
	if len(command) == 1 {
		return command[0]
	}
	words := make([]string, len(command))
	for i, w := range command {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

// quote makes w one word for a POSIX shell.
func quote(w string) string {
	plain := w != "" && !strings.ContainsFunc(w, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("%+,-./:=@_", r)
	})
	if plain {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// status is how a remote program ended.
func status(ctx context.Context, err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	if e, ok := errors.AsType[*ssh.ExitError](err); ok {
		if n, ok := signals[e.Signal()]; ok && e.ExitStatus() == 0 {
			return 128 + n, nil
		}
		return e.ExitStatus(), nil
	}
	return 0, lost(ctx, err)
}

// signals are the numbers of the signals that SSH knows by name.
var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12,
	"PIPE": 13, "ALRM": 14, "TERM": 15,
}

func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}
