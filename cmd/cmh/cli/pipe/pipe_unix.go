//go:build unix

// Package pipe knows what a write to a pipe says when nobody reads on. Each kind
// of system has words of its own for it.
package pipe

import (
	"errors"
	"syscall"
)

// Left reports whether a write failed because whoever read has left.
func Left(err error) bool { return errors.Is(err, syscall.EPIPE) }
