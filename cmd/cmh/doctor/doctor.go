// Package doctor is `cmh doctor`: what this machine has of what cmh needs, for
// whoever wonders why something doesn't work. It changes nothing. Looking is its
// caller's.
package doctor

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// The states of a finding.
var (
	OK      = words.Mark("ok")
	Note    = words.Mark("note") // something is missing that not everybody needs
	Problem = words.Mark("problem")
)

// What is looked at, as far as it is a word.
var _ = [...]string{words.Mark("settings"), words.Mark("profile"), words.Mark("server"), words.Mark("hub"), words.Mark("sign-in"), words.Mark("offline"), words.Mark("terminal")}

// Finding is one thing that was looked at.
type Finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Detail string `json:"detail"`
}

// Command returns the doctor command. look looks, in the order to be shown.
func Command(env *cli.Env, look func(ctx context.Context) []Finding) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what cmh finds on this machine, and what is missing",
		Long: "Say what cmh finds on this machine: the profile and where its settings are, the hub and whether it answers, the sign-in, what waits to be told " +
			"to the hub, the programs beside cmh, the terminal. Exit status 1 when there is a problem.",
		Example: "  cmh doctor\n  cmh doctor --json=check,state",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := look(cmd.Context())
			if err := cli.PrintList(env, all,
				cli.Column[Finding]{Title: "CHECK", Cell: func(f Finding) string { return f.Check }, Word: true},
				cli.Column[Finding]{Title: "STATE", Cell: func(f Finding) string { return f.State }, Word: true},
				cli.Column[Finding]{Title: "DETAIL", Cell: func(f Finding) string { return f.Detail }},
			); err != nil {
				return err
			}
			for _, f := range all {
				if f.State == Problem {
					return cli.StatusError(cli.ExitFailed)
				}
			}
			return nil
		},
	}
}
