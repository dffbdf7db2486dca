package author

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

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
		self, err := os.Executable()
		if err == nil {
			self, err = filepath.EvalSymlinks(self)
		}
		if err != nil {
			return hub.Wrap(err, hub.Unavailable, "cmh can't tell where it is, and so not where cmh-author is.")
		}
		program := filepath.Join(filepath.Dir(self), "cmh-author")
		err = become(ctx, program+executable, append([]string{"cmh-author", cmd.Name()}, args...))
		if errors.Is(err, fs.ErrNotExist) {
			return hub.Wrap(err, hub.Unavailable, "cmh author %s needs the program cmh-author beside cmh, in %s.", cmd.Name(), filepath.Dir(self))
		}
		return err
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) }
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if err := run(cmd.Context(), []string{"--help"}); err != nil {
			env.Say("%s.", cmd.Short)
		}
	})
	return cmd
}
