package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Ask asks for one line. Where nobody can answer it fails at once and names
// flag, which gives the same answer.
func (e *Env) Ask(ctx context.Context, question, flag string) (string, error) {
	if !e.Interactive() {
		return "", missing(flag)
	}
	_, _ = fmt.Fprint(e.Err, e.T(question)+" ")
	return e.ReadLine(ctx)
}

// AskSecret is Ask for what mustn't be seen.
func (e *Env) AskSecret(ctx context.Context, question, flag string) (string, error) {
	if !e.Interactive() || e.Secret == nil {
		return "", missing(flag)
	}
	_, _ = fmt.Fprint(e.Err, e.T(question)+" ")
	s, err := e.Secret(ctx)
	_, _ = fmt.Fprintln(e.Err)
	return s, err
}

func missing(flag string) error {
	return hub.Errorf(hub.Invalid, "%s is missing, and there is nobody to ask.", flag)
}

// ReadLine reads one line of In, without its end. It reads byte by byte: what
// follows the line is for whoever reads In next.
func (e *Env) ReadLine(ctx context.Context) (string, error) {
	type line struct {
		text string
		err  error
	}
	done := make(chan line, 1)
	go func() { // outlives ctx when In never answers: a read can't be called back
		text, err := bufio.NewReaderSize(oneByte{e.In}, 16).ReadString('\n')
		done <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-done:
		if l.err != nil && (!errors.Is(l.err, io.EOF) || l.text == "") {
			if errors.Is(l.err, io.EOF) {
				return "", hub.Errorf(hub.Invalid, "The input ended before an answer came.")
			}
			return "", l.err
		}
		return strings.TrimRight(l.text, "\r\n"), nil
	}
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }
