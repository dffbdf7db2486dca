package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/server"
	"github.com/cloudmastershub/cmh/words"
)

func labsCommand(env *cli.Env, config configFunc) *cobra.Command {
	return cli.Group("labs", "List and end the sandboxes on this machine, beside a running server or without one",
		labsListCommand(env, config), labsKillCommand(config), labsCollectCommand(config))
}

// The states of a sandbox.
var _ = [...]string{
	words.Mark("running"), words.Mark("making"), words.Mark("dead"), words.Mark("lost"),
}

func labsListCommand(env *cli.Env, config configFunc) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the sandboxes with their state, age and use",
		Long: "List the sandboxes with their state, age and use, the oldest first.\n\n" +
			"  running  as it should be\n  making   being made or removed, or left half way by a server that died\n" +
			"  dead     its process 1 was killed; its session is ended within a minute\n  lost     its folder was removed, so that nobody reaches it",
		Example: "  cmh-server labs list",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			all, err := server.Labs(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				if all == nil {
					all = []labs.Condition{}
				}
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			say := env.Shown()
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			if len(all) > 0 {
				fmt.Fprintf(w, "ID\t%s\t%s\t%s\t%s\t%s\n", say.T("STATE"), say.T("AGE"), say.T("MEMORY"), say.T("PIDS"), say.T("IMAGE"))
			}
			for _, l := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.19s\n", l.ID, say.T(l.State), age(l.Since), mebibytes(l.Memory), count(l.Pids), l.Image)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func age(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return max(0, time.Since(since)).Truncate(time.Second).String()
}

func mebibytes(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func count(n int) string {
	if n < 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func labsKillCommand(config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "kill ID",
		Short: "End one sandbox, whatever it is doing, with everything in it",
		Long: "End one sandbox, whatever it is doing, with everything in it. The learner's session is ended, with a word about it, within a minute; " +
			"what was kept of the lab is not touched.",
		Example: "  cmh-server labs kill s-q3v7k2hmzd",
		Args:    cli.Args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			if err := server.KillLab(cmd.Context(), cfg, args[0]); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), args[0])
			return nil
		},
	}
}

func labsCollectCommand(config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "gc",
		Short: "Remove the sandboxes that no running session owns",
		Long: "Remove the sandboxes that no running session owns, and print their names. A server does the same at its start and every minute.\n\n" +
			"The sessions are in the database: CMH_DATABASE_URL must be the server's, where it has one. Where there is no database at all, only what " +
			"is dead or lost is removed.",
		Example: "  cmh-server labs gc",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			gone, err := server.CollectLabs(cmd.Context(), cfg)
			for _, id := range gone {
				fmt.Fprintln(cmd.OutOrStdout(), id)
			}
			return err
		},
	}
}
