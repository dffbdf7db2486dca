package lab

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func extendCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "extend [REF] [MINUTES]",
		Short: "Give a lab session more time",
		Long: "Give a lab session more time: 30 minutes, or as many as you say. How long a session may live in all depends on your tier; " +
			"what goes beyond is cut off.\n" + refHelp,
		Example: "  cmh lab extend\n  cmh lab extend 45\n  cmh lab extend s-4kq2m7ah3x 15 --json=expires_at,extendable_until",
		Args:    cli.Args("[REF]", "[MINUTES]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			minutes := 0
			if n := len(args); n > 0 && (n == 2 || digits(args[0])) {
				var err error
				if minutes, err = strconv.Atoi(args[n-1]); err != nil || minutes < 1 || minutes > 24*60 {
					return hub.Errorf(hub.Invalid, "MINUTES is a whole number from 1 to 1440.")
				}
				args = args[:n-1]
			}
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			s, err := b.ExtendLab(cmd.Context(), ref, minutes)
			if err != nil {
				return err
			}
			return show(env, s)
		},
	}
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
