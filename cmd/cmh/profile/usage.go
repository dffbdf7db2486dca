package profile

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func usageCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "usage",
		Short:   "Show how much of your limits you have used",
		Example: "  cmh profile usage\n  cmh profile usage --jq .requests.remaining",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			u, err := b.Usage(cmd.Context())
			if err != nil {
				return err
			}
			return cli.Print(env, u, func(w io.Writer) {
				line := func(name string, used hub.Used) {
					of := env.T("without limit")
					if used.Limit > 0 {
						of = env.Tf("of %d", used.Limit)
					}
					if used.Limit > 0 && used.ResetsAt != nil {
						of += env.Tf(", more from %s", env.Words().When(used.ResetsAt.Local(), "15:04"))
					}
					if env.ForHumans() {
						env.Pair(w, 24, name, fmt.Sprintf("%d %s", used.Used, of))
					} else {
						_, _ = fmt.Fprintf(w, "%s\t%d\t%d\n", name, used.Used, used.Limit)
					}
				}
				line(words.Mark("Requests in an hour"), u.Requests)
				line(words.Mark("Minutes of labs today"), u.LabMinutes)
			})
		},
	}
}
