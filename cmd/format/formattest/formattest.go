// Package formattest is cmh-format for tests: the same work, without a program
// beside the test's.
package formattest

import (
	"context"
	"io"

	"github.com/cloudmastershub/cmh/cmd/format/filter"
)

// Start is a cli.Env's Format.
func Start(_ context.Context, kind, expr string, out io.Writer) (io.WriteCloser, error) {
	r, w := io.Pipe()
	f := &format{PipeWriter: w, done: make(chan error, 1)}
	go func() { // ends with its input
		err := filter.Run(filter.Kind(kind), expr, r, out)
		_ = r.Close()
		f.done <- err
	}()
	return f, nil
}

type format struct {
	*io.PipeWriter
	done chan error
}

func (f *format) Close() error {
	_ = f.PipeWriter.Close()
	return <-f.done
}
