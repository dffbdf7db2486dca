package lab

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func checkCmd(env *cli.Env) *cobra.Command {
	var (
		step int
		to   reporting
	)
	cmd := &cobra.Command{
		Use:   "check [REF]",
		Short: "Have your work checked",
		Long: "Have your work checked: the current step, or the one named. A step passes when each of its checks does: ✓ passed, ✗ not yet, " +
			"? could not be checked. Exit status 0 when it passed, 3 when it is not right yet, " +
			"75 when it could not be checked. A step that isn't open yet is not right yet.\n" + refHelp,
		Example: "  cmh lab check\n  cmh lab check s-4kq2m7ah3x --step 2 --json\n  cmh lab check --junit checks.xml --format github",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := to.check(); err != nil {
				return err
			}
			return check(cmd.Context(), env, args, step, to)
		},
	}
	stepFlag(cmd, &step)
	reportFlags(cmd, env, &to)
	return cmd
}

func stepFlag(cmd *cobra.Command, step *int) {
	cmd.Flags().IntVar(step, "step", 0, "step `N`, from 1; the current one when absent")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("step") && *step < 1 {
			return hub.Errorf(hub.Invalid, "Steps are counted from 1.")
		}
		return nil
	}
}

// verdicts are the exit statuses of a check. What isn't listed was not checked.
var verdicts = map[string]int{hub.StepPassed: cli.ExitOK, hub.StepFailed: cli.ExitRed, hub.StepPending: cli.ExitRed}

func check(ctx context.Context, env *cli.Env, args []string, step int, to reporting) error {
	b, ref, err := backendAndSession(ctx, env, args)
	if err != nil {
		return err
	}
	r, err := b.CheckLab(ctx, ref, step)
	if hub.CodeOf(err) == hub.Conflict {
		if later, ok := notOpen(ctx, b, ref, step, err); ok {
			r, err = later, nil
		}
	}
	if err != nil {
		return err
	}
	hinted := r.State == hub.StepFailed && !env.JSON && hasHints(ctx, b, r)
	if err := cli.Print(env, r, func(w io.Writer) { report(w, env, r, hinted) }); err != nil {
		return err
	}
	if err := to.write(env, r); err != nil {
		return err
	}
	exit, ok := verdicts[r.State]
	if !ok {
		exit = cli.ExitLater
	}
	if exit != cli.ExitOK {
		return cli.StatusError(exit)
	}
	return nil
}

// notOpen answers for a step that comes after the current one: it is not right
// yet, and a script that asks for each step in turn wants to hear just that.
func notOpen(ctx context.Context, b cli.Labs, ref string, step int, refusal error) (hub.CheckResult, bool) {
	s, err := b.LabSession(ctx, ref)
	if err != nil || hub.Ended(s.State) || step <= s.Step || step > len(s.Steps) {
		return hub.CheckResult{}, false
	}
	return hub.CheckResult{
		SessionID: s.ID, Step: step, State: hub.StepPending, Message: hub.MessageOf(refusal), Checks: []hub.CheckOutcome{}, Steps: s.Steps,
	}, true
}

// hasHints reports whether the step that was checked has hints to ask for. Where
// that can't be found out, none are offered.
func hasHints(ctx context.Context, b cli.Labs, r hub.CheckResult) bool {
	s, err := b.LabSession(ctx, r.SessionID)
	if err != nil {
		return false
	}
	l, err := b.Lab(ctx, s.LabID)
	return err == nil && slices.ContainsFunc(l.Steps, func(st hub.LabStep) bool { return st.Number == r.Step && st.Hints > 0 })
}

func report(w io.Writer, env *cli.Env, r hub.CheckResult, hinted bool) {
	title := ""
	for _, s := range r.Steps {
		if s.Number == r.Step {
			title = s.Title
		}
	}
	word := map[string]string{hub.StepPassed: words.Mark("passed"), hub.StepFailed: words.Mark("not yet"), hub.StepPending: words.Mark("not open yet")}[r.State]
	if word == "" {
		word = words.Mark("could not be checked")
	}
	mark := marks[r.State]
	switch {
	case r.State == hub.StepPending:
		mark = "·"
	case mark == "":
		mark = "!"
	}
	_, _ = io.WriteString(w, env.Aloud(env.Tf("%s Step %d: %s (%s)\n", mark, r.Step, cli.CleanLine(title), env.T(word))))
	if named(r.Checks) {
		for _, c := range r.Checks {
			one(w, env, c)
		}
	} else if r.Message != "" {
		_, _ = fmt.Fprintln(w, cli.Clean(env.Words().Told(r.Message)))
	}
	switch {
	case hinted:
		env.Say("A hint: cmh lab hint %s", r.SessionID)
	case r.State == hub.StepPending:
		env.Say("Check the step before it: cmh lab check %s", r.SessionID)
	case mark == "!":
		env.Say("Should it stay so, tell those who teach: cmh lab report %s --step %d -m TEXT", r.SessionID, r.Step)
	case r.State != hub.StepPassed: // what to change, the message says
	case openQuestions(r):
		env.Say("Answer the questions of this step: cmh lab answer %s", r.SessionID)
	case allDone(r.Steps):
		env.Say("Every step is done. Hand it in: cmh lab submit %s", r.SessionID)
	default:
		env.Say("Go on: cmh lab next %s", r.SessionID)
	}
}

// named reports whether a step's checks are worth a line each.
func named(checks []hub.CheckOutcome) bool {
	return len(checks) > 1 || len(checks) == 1 && checks[0].Expected != ""
}

// one prints a check: how it went, and what it saw where it did not pass.
func one(w io.Writer, env *cli.Env, c hub.CheckOutcome) {
	mark := map[string]string{hub.StepPassed: "✓", hub.StepFailed: "✗"}[c.State]
	if mark == "" {
		mark = "?"
	}
	aloud := env.ForHumans() && env.Accessible()
	if aloud {
		word := map[string]string{"✓": words.Mark("passed"), "✗": words.Mark("not yet"), "?": words.Mark("could not be checked")}[mark]
		_, _ = fmt.Fprintf(w, "  %s: %s\n", cli.CleanLine(c.Name), env.T(word))
	} else {
		_, _ = fmt.Fprintf(w, "  %s %s\n", mark, cli.CleanLine(c.Name))
	}
	if c.State == hub.StepPassed {
		return
	}
	detail := func(name, text string) {
		switch text = strings.TrimSpace(cli.Clean(text)); {
		case text == "":
		case aloud && name == "":
			_, _ = fmt.Fprintln(w, text)
		case aloud:
			_, _ = fmt.Fprintf(w, "%s: %s\n", name, text)
		default:
			_, _ = fmt.Fprintf(w, "    %-9s %s\n", name, strings.ReplaceAll(text, "\n", "\n              "))
		}
	}
	if c.State == hub.StepFailed {
		detail(env.T("expected"), c.Expected)
		detail(env.T("observed"), c.Observed)
	}
	if c.Message != c.Observed {
		detail("", env.Words().Told(c.Message))
	}
}

// openQuestions reports whether the step that was checked asks something that
// is not answered.
func openQuestions(r hub.CheckResult) bool { return r.Open > 0 }

func allDone(steps []hub.StepState) bool {
	for _, s := range steps {
		if s.State != hub.StepPassed && s.State != hub.StepSkipped {
			return false
		}
	}
	return true
}

func hintCmd(env *cli.Env) *cobra.Command {
	var step int
	cmd := &cobra.Command{
		Use:   "hint [REF]",
		Short: "Show the next hint of a step",
		Long: "Show the next hint of a step. Some hints come only after a few checks or a while, and may take points off the step's score.\n" +
			refHelp,
		Example: "  cmh lab hint\n  cmh lab hint s-4kq2m7ah3x --step 2",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			h, err := b.LabHint(cmd.Context(), ref, step)
			if err != nil {
				return err
			}
			return cli.Print(env, h, func(w io.Writer) {
				cost := ""
				if h.Cost > 0 {
					cost = env.N(h.Cost, " (%d point)", " (%d points)", h.Cost)
				}
				env.Fprintf(w, "Hint %d of %d for step %d%s\n\n%s", h.Number, h.Of, h.Step, cost, env.Markdown(h.Text))
			})
		},
	}
	stepFlag(cmd, &step)
	return cmd
}

func solutionCmd(env *cli.Env) *cobra.Command {
	var step int
	cmd := &cobra.Command{
		Use:   "solution [REF]",
		Short: "Show how a step can be solved, once you have tried",
		Long: "Show how a step can be solved. It is given after the step's first check. Commands are printed as they can be run.\n" +
			refHelp,
		Example: "  cmh lab solution\n  cmh lab solution s-4kq2m7ah3x --step 2 --jq .script",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			s, err := b.LabSolution(cmd.Context(), ref, step)
			if err != nil {
				return err
			}
			return cli.Print(env, s, func(w io.Writer) {
				if s.Text != "" {
					_, _ = io.WriteString(w, env.Markdown(s.Text))
				}
				if s.Script != "" {
					_, _ = fmt.Fprintln(w, cli.Clean(s.Script))
				}
			})
		},
	}
	stepFlag(cmd, &step)
	return cmd
}
