package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
)

// databaseCommand is for PostgreSQL's own programs: a backup, a restore, a look.
func databaseCommand(config configFunc) *cobra.Command {
	var fresh bool
	c := &cobra.Command{
		Use:   "database PROGRAM [ARGUMENT...]",
		Short: "Run one of PostgreSQL's programs on the hub's own database",
		Long: "Run one of PostgreSQL's programs on the hub's own database: the one that a running server has, or else one that is started for it. The program is told " +
			"where it is by its environment (PGHOST, PGUSER, PGPASSWORD, PGDATABASE).\n\n" +
			"Which hub's is said by its settings (CMH_DATA_DIR), which a shell has to be given where a service has them. Where no hub has kept anything it fails, or with --new " +
			"makes an empty database: for a restore, never for a backup.",
		Example: "  cmh-server database pg_dump -Fc -f hub.dump\n" +
			"  CMH_DATA_DIR=/var/lib/cmh-new cmh-server database --new pg_restore --no-owner --single-transaction -d postgres hub.dump\n" +
			"  cmh-server database psql",
		Args: atLeast("PROGRAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			return server.WithDatabase(cmd.Context(), cfg, fresh, func(bin string, env []string) error {
				return beside(cmd, bin, env, args)
			})
		},
	}
	c.Flags().BoolVar(&fresh, "new", false, "make the database where there is none")
	c.Flags().SetInterspersed(false) // what follows the program is its own
	return c
}

const programGrace = 20 * time.Second // what a program that is told to end has for it

// beside runs a program of bin, or where there is none of that name another one.
func beside(cmd *cobra.Command, bin string, env, args []string) error {
	program := filepath.Join(bin, args[0])
	if _, err := os.Stat(program); err != nil || strings.ContainsRune(args[0], filepath.Separator) {
		program = args[0]
	}
	// The terminal tells both of Ctrl-C, and what it ends is the program's to say. It
	// is caught and not ignored, which the program would inherit.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), syscall.SIGTERM)
	defer stop()
	if err := cmd.Context().Err(); err != nil { // it came before
		return err
	}
	p := exec.CommandContext(ctx, program, args[1:]...)
	p.Stdin, p.Stdout, p.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	// No word of the caller's about another database.
	p.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), env...)
	p.Cancel, p.WaitDelay = func() error { return p.Process.Signal(syscall.SIGTERM) }, programGrace
	if err := p.Run(); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// atLeast demands one word, and allows more.
func atLeast(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cli.Args(name)(cmd, nil)
		}
		return nil
	}
}
