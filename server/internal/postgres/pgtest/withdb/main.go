// Withdb runs a command with CMH_TEST_DATABASE_URL set to a PostgreSQL that is
// thrown away afterwards:
//
//	go run ./server/internal/postgres/pgtest/withdb -- go test ./...
//
// A CMH_TEST_DATABASE_URL that is set already is left as it is. The exit status
// is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/cloudmastershub/cmh/server/internal/privatepg"
)

const variable = "CMH_TEST_DATABASE_URL"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "withdb:", err)
		status = 1
	}
	os.Exit(status)
}

func run(ctx context.Context, args []string) (status int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 0, errors.New("name the command to run")
	}
	if os.Getenv(variable) == "" {
		dir, err := os.MkdirTemp("", "cmh-withdb-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o711); err != nil {
			return 0, err
		}
		db, err := privatepg.Open(ctx, privatepg.Config{Dir: filepath.Join(dir, "pg"), Throwaway: true})
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
		if err := os.Setenv(variable, db.URL()); err != nil {
			return 0, err
		}
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}
