package lab

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func eventsCmd(env *cli.Env) *cobra.Command {
	var after int64
	cmd := &cobra.Command{
		Use:   "events [REF]",
		Short: "Follow what happens to a lab session",
		Long: "Follow what happens to a lab session, from its start until it has ended: one line for each event, with --json one object. " +
			"It goes on by itself when the connection breaks or the server restarts.\n" + refHelp,
		Example: "  cmh lab events\n  cmh lab events s-4kq2m7ah3x --json\n  cmh lab events --after 1042 --jq .type",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if after < 0 {
				return hub.Errorf(hub.Invalid, "--after takes the id of an event.")
			}
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			return b.LabEvents(cmd.Context(), ref, after, func(e hub.LabEvent) error {
				return cli.Print(env, e, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", env.Shown().When(e.At.Local(), "2006-01-02 15:04:05"), cli.CleanLine(strings.TrimPrefix(e.Type, "lab.")), cli.CleanLine(eventText(env.Shown(), e)))
				})
			})
		},
	}
	cmd.Flags().Int64Var(&after, "after", 0, "only what came after the event with this `ID`")
	return cmd
}

// eventText is what an event has to say, in a few words. Types that are newer
// than this program say what they carry.
func eventText(sp words.Speaker, e hub.LabEvent) string {
	d := e.Data
	switch e.Type {
	case "lab.checked":
		outcome := fmt.Sprint(d["outcome"])
		return sp.Tf("step %v: %s", d["step"], sp.T(outcome))
	case "lab.warning":
		return sp.Tf("%v min left", d["minutes"])
	case "lab.extended":
		return sp.Tf("%v min more", d["minutes"])
	case "lab.step_opened", "lab.step_skipped", "lab.completed":
		return sp.Tf("step %v", d["step"])
	case "lab.started", "lab.ready", "lab.attached", "lab.detached", "lab.submitted", "lab.expired", "lab.stopped", "lab.destroyed":
		return ""
	}
	var carries []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if name != "state" {
			carries = append(carries, fmt.Sprintf("%s %v", name, d[name]))
		}
	}
	return strings.Join(carries, ", ")
}
