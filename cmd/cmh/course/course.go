// Package course is `cmh course ...`: finding courses and joining them.
package course

import (
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Command returns the course command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("course", "Find courses and join them",
		listCmd(env), searchCmd(env), viewCmd(env), enrollCmd(env), leaveCmd(env))
}
