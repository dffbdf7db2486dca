package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/server"
)

func doctorCommand(config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Say what this machine offers the server, and what is missing",
		Long:    "Say what this machine offers the server, and what is missing. The exit status is 1 when something the server needs is missing.",
		Example: "  cmh-server doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			findings, err := server.Doctor(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			missing := 0
			for _, f := range findings {
				if f.State == server.Missing {
					missing++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-8s %-18s %s\n", f.State, f.Name, f.Detail)
			}
			if missing > 0 {
				return errors.New("something is missing")
			}
			return nil
		},
	}
}
