package author

import (
	"context"
	"errors"
	"os"
	"os/exec"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// become runs another program in this one's place. Ctrl-C reaches both, and it
// is the other's to end.
func become(ctx context.Context, program string, argv []string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return cli.StatusError(exit.ExitCode())
	}
	return err
}
