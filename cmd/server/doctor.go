package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
)

func doctorCommand(env *cli.Env, config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Say what this machine offers the server, and what is missing",
		Long:    "Say what this machine offers the server, and what is missing. The exit status is 1 when something the server needs is missing.",
		Example: "  cmh-server doctor",
		Args:    cli.Args(),
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
				// Programs look for the first two; people read the third.
				fmt.Fprintf(env.Out, "%-8s %-18s %s\n", env.Shown().T(f.State), env.Shown().T(f.Name), cli.CleanLine(env.Tf("%s", f.Detail)))
			}
			if missing > 0 {
				return hub.Errorf(hub.Unavailable, "Something is missing.")
			}
			return nil
		},
	}
}
