package lab

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// notPrograms is what every command that goes back says.
const notPrograms = "Files come back, programs don't: start again what you had running."

func saveCmd(env *cli.Env) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "save [REF]",
		Short: "Keep a lab's files as they are now",
		Long: "Keep a lab's files as they are now, to go back to or to go on with later. Programs that run go on, and are not kept. " +
			"Each step that is done is kept without being asked for.\n" + refHelp,
		Example: "  cmh lab save\n  cmh lab save --name 'before the upgrade'\n  cmh lab save s-4kq2m7ah3x --jq .id",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			c, err := b.SaveLab(cmd.Context(), ref, name)
			if err != nil {
				return err
			}
			return cli.Print(env, c, func(w io.Writer) {
				env.Fprintf(w, "Kept as %s (%s), until %s.\n", cli.CleanLine(c.ID), mebibytes(env.Words(), c.Bytes), env.Words().When(c.ExpiresAt.Local(), "2006-01-02"))
				env.Say("Go back to it: cmh lab reset --to %s", c.ID)
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "call it `NAME`, to find it by")
	return cmd
}

func mebibytes(sp words.Speaker, n int64) string { return sp.Decimal(float64(n)/(1<<20), 1) + " MiB" }

// kinds are the kinds of checkpoints, for people.
var kinds = map[string]string{
	hub.KeptStep: words.Mark("step done"), hub.KeptSaved: words.Mark("saved"), hub.KeptBefore: words.Mark("before going back"), hub.KeptEnd: words.Mark("at the end"),
}

func checkpointsCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoints [REF]",
		Short: "List what is kept of your labs",
		Long: "List what is kept of your labs, the newest first: all, or only of REF, a session or a lab. How much you may keep depends on your tier; " +
			"the oldest that you did not save yourself make room for new ones.",
		Example: "  cmh lab checkpoints\n  cmh lab checkpoints log-triage --jq '.items[0].id'",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			ref := ""
			if len(args) == 1 {
				ref = args[0]
			}
			list, err := b.Checkpoints(cmd.Context(), ref)
			if err != nil {
				return err
			}
			if env.JSON {
				return cli.Print(env, list, nil)
			}
			err = cli.PrintList(env, list.Items,
				cli.Column[hub.Checkpoint]{Title: "CHECKPOINT", Cell: func(c hub.Checkpoint) string { return c.ID }},
				cli.Column[hub.Checkpoint]{Title: "SESSION", Cell: func(c hub.Checkpoint) string { return c.SessionID }},
				cli.Column[hub.Checkpoint]{Title: "LAB", Cell: func(c hub.Checkpoint) string { return c.LabID }},
				cli.Column[hub.Checkpoint]{Title: "STEP", Cell: func(c hub.Checkpoint) string { return strconv.Itoa(c.Step) }},
				cli.Column[hub.Checkpoint]{Title: "KEPT", Cell: func(c hub.Checkpoint) string { return kinds[c.Kind] }, Word: true},
				cli.Column[hub.Checkpoint]{Title: "SIZE", Cell: func(c hub.Checkpoint) string { return mebibytes(env.Shown(), c.Bytes) }},
				cli.Column[hub.Checkpoint]{Title: "UNTIL", Cell: func(c hub.Checkpoint) string { return env.Shown().When(c.ExpiresAt.Local(), "2006-01-02") }},
				cli.Column[hub.Checkpoint]{Title: "NAME", Cell: func(c hub.Checkpoint) string { return c.Name }},
			)
			if list.Most == 0 {
				env.Say("This hub keeps no checkpoints.")
			} else {
				env.Say("You keep %d of %d, with %s of %s.", list.Count, list.Most, mebibytes(env.Words(), list.Bytes), mebibytes(env.Words(), list.MostBytes))
			}
			return err
		},
	}
}

func forgetCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "forget CHECKPOINT",
		Short:   "Remove what was kept",
		Long:    "Remove a checkpoint. Nothing can bring it back.",
		Example: "  cmh lab forget k-3fm2kq7ahx\n  cmh lab forget k-3fm2kq7ahx --yes",
		Args:    cli.Args("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if err := env.Confirm(cmd.Context(), "The files of this checkpoint will be gone."); err != nil {
				return err
			}
			if err := b.ForgetCheckpoint(cmd.Context(), args[0]); err != nil {
				return err
			}
			env.Say("Removed.")
			return nil
		},
	}
}

// stepAndRef tells a step from a session or lab among args, in any order.
func stepAndRef(args []string) (step int, ref []string, err error) {
	for _, a := range args {
		n, bad := strconv.Atoi(a)
		switch {
		case bad != nil && len(ref) == 0:
			ref = []string{a}
		case bad == nil && step == 0 && n > 0:
			step = n
		default:
			return 0, nil, hub.Errorf(hub.Invalid, "Name one step, counted from 1, and one session or lab at most.")
		}
	}
	return step, ref, nil
}

func resetCmd(env *cli.Env) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "reset [STEP] [REF]",
		Short: "Begin a step again in a fresh sandbox",
		Long: "Begin a step again: the session gets a fresh sandbox with the files as they were when STEP began, the current one when absent. " +
			"With --to they are as they were in a checkpoint. " + notPrograms + " What you have now is kept first, where the hub keeps anything. " +
			"Progress that was made stays made.\n" + refHelp,
		Example: "  cmh lab reset\n  cmh lab reset 1 --yes\n  cmh lab reset --to k-3fm2kq7ahx s-4kq2m7ah3x",
		Args:    cli.Args("[STEP]", "[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			step, args, err := stepAndRef(args)
			if err != nil {
				return err
			}
			if to != "" && step != 0 {
				return hub.Errorf(hub.Invalid, "Name a step or a checkpoint, not both.")
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			s, err := running(ctx, b, args)
			if err != nil {
				return err
			}
			where := env.Tf("the beginning of step %d", cmp.Or(step, s.Step))
			if to != "" {
				where = env.Tf("checkpoint %s", cli.CleanLine(to))
			}
			if err := sure(ctx, env, b, s, where); err != nil {
				return err
			}
			if s, err = b.ResetLab(ctx, s.ID, hub.LabReturn{Step: step, Checkpoint: to}); err != nil {
				return err
			}
			return returned(ctx, env, b, s, 0)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "go back to `CHECKPOINT`, an id or the name of a saved one")
	return cmd
}

func gotoCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "goto STEP [REF]",
		Short: "Go to a step, with the ones before it done",
		Long: "Go to a step in a fresh sandbox, with the ones before it done: from a checkpoint of yours where there is one, else by running the lab's " +
			"own solutions. Steps that are done for you count as skipped, never as passed. " + notPrograms +
			" What you have now is kept first, where the hub keeps anything.\n" + refHelp,
		Example: "  cmh lab goto 3\n  cmh lab goto 3 s-4kq2m7ah3x --yes --json=step,steps",
		Args:    cli.Args("STEP", "[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			step, args, err := stepAndRef(args)
			if err == nil && step == 0 {
				err = hub.Errorf(hub.Invalid, "STEP is a number, counted from 1.")
			}
			if err != nil {
				return err
			}
			b, err := env.Backend()
			if err != nil {
				return err
			}
			s, err := running(ctx, b, args)
			if err != nil {
				return err
			}
			if err := sure(ctx, env, b, s, fmt.Sprintf("step %d", step)); err != nil {
				return err
			}
			if s, err = b.GotoLabStep(ctx, s.ID, step); err != nil {
				return err
			}
			return returned(ctx, env, b, s, step)
		},
	}
}

func resumeCmd(env *cli.Env) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "resume [REF]",
		Short: "Go on with a lab that has ended",
		Long: "Go on with a lab that has ended, days later perhaps: a new session begins with the files as they were last kept, or as they were in " +
			"the checkpoint after --from. REF is the session (s-...) or the lab; without it, it is what was kept last. " + notPrograms,
		Example: "  cmh lab resume\n  cmh lab resume log-triage --json=session_id,step\n  cmh lab resume log-triage --from k-3fm2kq7ahx",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			b, err := env.Backend()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				list, err := b.Checkpoints(ctx, "")
				if err != nil {
					return err
				}
				if len(list.Items) == 0 {
					return hub.Errorf(hub.NotFound, "Nothing is kept of any lab of yours. Start one with: cmh lab start LAB")
				}
				args = []string{list.Items[0].SessionID}
			}
			s, err := b.ResumeLab(ctx, args[0], from)
			if err != nil {
				return err
			}
			return returned(ctx, env, b, s, 0)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "begin with `CHECKPOINT`, an id or the name of a saved one")
	return cmd
}

// running is the session that args name, as it stands.
func running(ctx context.Context, b cli.Labs, args []string) (hub.LabSession, error) {
	ref, err := session(ctx, b, args)
	if err != nil {
		return hub.LabSession{}, err
	}
	return b.LabSession(ctx, ref)
}

// sure says what going back costs, and asks.
func sure(ctx context.Context, env *cli.Env, b cli.Labs, s hub.LabSession, where string) error {
	fate := env.T("What it has now is kept first, as a checkpoint.")
	if list, err := b.Checkpoints(ctx, s.ID); err != nil || list.Most == 0 {
		fate = env.T("What it has now is lost: this hub keeps no checkpoints.")
	}
	return env.Confirm(ctx, env.Tf("Session %s goes to %s in a fresh sandbox. %s Programs that run in it end, and its shells close.", s.ID, where, fate))
}

// returned waits for a session that is made anew, and shows it. Where it was to
// arrive at a step and didn't, that is said.
func returned(ctx context.Context, env *cli.Env, b cli.Labs, s hub.LabSession, step int) error {
	s, err := wait(ctx, b, s.ID, "ready", 3*time.Minute)
	if err != nil {
		return err
	}
	if err := show(env, s); err != nil {
		return err
	}
	env.Say(notPrograms)
	if step > s.Step {
		return hub.Errorf(hub.Conflict, "Step %d could not be reached: step %d could not be done for you.", step, s.Step)
	}
	env.Say("Its shell: cmh lab attach %s", s.ID)
	return nil
}
