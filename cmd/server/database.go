package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/server"
)

// databaseCommand is for PostgreSQL's own programs: a backup, a restore, a look.
func databaseCommand(config configFunc) *cobra.Command {
	c := &cobra.Command{
		Use:   "database PROGRAM [ARGUMENT...]",
		Short: "Run one of PostgreSQL's programs on the hub's own database",
		Long: "Run one of PostgreSQL's programs on the hub's own database: the one that a\nrunning server has, or else one that is started for it, and made where there is\n" +
			"none. The program is told where it is by its environment (PGHOST, PGUSER,\nPGPASSWORD, PGDATABASE).",
		Example: "  cmh-server database pg_dump -Fc -f hub.dump\n" +
			"  CMH_DATA_DIR=/var/lib/cmh-new cmh-server database pg_restore --no-owner --single-transaction -d postgres hub.dump\n" +
			"  cmh-server database psql",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			return server.WithDatabase(cmd.Context(), cfg, func(bin string, env []string) error {
				return beside(cmd, bin, env, args)
			})
		},
	}
	c.Flags().SetInterspersed(false) // what follows the program is its own
	return c
}

// beside runs a program of bin, or where there is none of that name another one.
func beside(cmd *cobra.Command, bin string, env, args []string) error {
	program := filepath.Join(bin, args[0])
	if _, err := os.Stat(program); err != nil || strings.ContainsRune(args[0], filepath.Separator) {
		program = args[0]
	}
	p := exec.CommandContext(cmd.Context(), program, args[1:]...)
	p.Stdin, p.Stdout, p.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	// No word of the caller's about another database.
	p.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), env...)
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGINT) } // psql goes on after one
	if err := p.Run(); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}
