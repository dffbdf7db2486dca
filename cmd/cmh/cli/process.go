package cli

import (
	"context"
	"os"

	"golang.org/x/term"
)

// Process describes this process's own streams and environment, for a program
// on the machine of whoever called it. Everything else is left for its main to
// fill in.
func Process() *Env {
	coloured(os.Stdout)
	coloured(os.Stderr)
	env := &Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTTY: isTTY(os.Stdin), OutTTY: isTTY(os.Stdout), ErrTTY: isTTY(os.Stderr),
		Getenv: getenv, Secret: secret, Format: formatter, ShowCause: true,
	}
	if env.OutTTY {
		env.Width, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 when it does not know
	}
	return env
}

func isTTY(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// secret reads a line without echo, and gives the echo back when interrupted.
func secret(ctx context.Context) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() { // ends with the process when interrupted
		text, err := term.ReadPassword(fd)
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		return string(a.text), a.err
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", ctx.Err()
	}
}
