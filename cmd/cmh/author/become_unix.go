//go:build unix

package author

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// become puts another program into this process: the terminal, signals and the
// exit status are its own. It returns only when that fails.
func become(_ context.Context, program string, argv []string) error {
	if err := unix.Exec(program, argv, os.Environ()); err != nil {
		return &os.PathError{Op: "start", Path: program, Err: err}
	}
	return nil
}
