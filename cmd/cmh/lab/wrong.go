package lab

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func reportCmd(env *cli.Env) *cobra.Command {
	var (
		step int
		text string
	)
	cmd := &cobra.Command{
		Use:   "report [REF]",
		Short: "Tell those who teach that a check is wrong",
		Long: "Tell those who teach that the check of a step is wrong, or can't be run. They read it with how the step stood: what the check said, how often " +
			"you tried. Saying more replaces what you said of the step. A session that has ended will do.\n" + refHelp,
		Example: "  cmh lab report -m 'The check wants port 80, the text says 8080.'\n  cmh lab report log-triage --step 2 -m 'It passes without the work.'",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if text == "" {
				return hub.Errorf(hub.Invalid, "Say what is wrong with -m TEXT.")
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			ref, err := session(cmd.Context(), b, args)
			if err != nil {
				return err
			}
			r, err := b.ReportLab(cmd.Context(), ref, step, text)
			if err != nil {
				return err
			}
			return cli.Print(env, r, func(w io.Writer) {
				env.Fprintf(w, "Reported step %d of %s: %s\n", r.Step, cli.CleanLine(r.LabID), r.ID)
				env.Say("Thank you. After three checks you may go on without it: cmh lab skip %s", r.SessionID)
			})
		},
	}
	stepFlag(cmd, &step)
	cmd.Flags().StringVarP(&text, "message", "m", "", "what is wrong, as `TEXT`")
	return cmd
}
