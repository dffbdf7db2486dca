package course

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func enrollCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "enroll COURSE",
		Short:   "Join a course; doing it twice is fine",
		Example: "  cmh course enroll linux-shell",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			e, err := b.Enroll(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return cli.Print(env, e, func(w io.Writer) {
				env.Fprintf(w, "Enrolled in %s, version %d.\n", cli.CleanLine(e.Course), e.Version)
			})
		},
	}
}

func leaveCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "leave COURSE",
		Short:   "Leave a course; what you did in it stays",
		Long:    "Leave a course. What you did in it stays, and counts again when you enroll again.",
		Example: "  cmh course leave linux-shell",
		Args:    cli.Args("COURSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := b.Leave(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Left.")
			return nil
		},
	}
}
