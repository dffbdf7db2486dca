package author

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Beside is a command of the program cmh-author, which stands in the folder of
// this one and holds the lab engine. Flags, help and exit status are its own.
func Beside(env *cli.Env, use, short string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, DisableFlagParsing: true}
	run := func(ctx context.Context, args []string) error {
		if !env.ShowCause { // somebody else's machine
			return hub.Errorf(hub.Invalid, "This can't be done here. Run cmh on your own machine.")
		}
		if runtime.GOOS != "linux" { // cmh-author has nothing to make sandboxes of there
			return hub.Errorf(hub.Invalid, "Labs are tested on Linux: in a virtual machine, a container with user namespaces, or your CI.")
		}
		program, err := cli.Companion("cmh-author", "cmh author "+cmd.Name())
		if err != nil {
			return err
		}
		return become(ctx, program, append([]string{"cmh-author", cmd.Name()}, args...))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) }
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if err := run(cmd.Context(), []string{"--help"}); err != nil {
			env.Say("%s.", cmd.Short)
		}
	})
	return cmd
}
