package lab

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Inside returns the command "lab" as learners have it inside a sandbox: what
// one does in the one session it belongs to, and no other. Nothing that throws
// work away is among it, because any program in there can call it.
func Inside(env *cli.Env, session string) *cobra.Command {
	var step int
	text := &cobra.Command{
		Use: "text", Short: "Read the step you are at",
		RunE: func(cmd *cobra.Command, args []string) error { return insideText(cmd.Context(), env, args[0], step) },
	}
	stepFlag(text, &step)
	clock := &cobra.Command{
		Use: "time", Short: "Show how much time is left",
		RunE: func(cmd *cobra.Command, args []string) error { return insideTime(cmd.Context(), env, args[0]) },
	}
	extend := extendCmd(env)
	root := &cobra.Command{
		Use: "lab", Short: "Have the lab that you are in checked, and go on",
		Long: "Have the lab that you are in checked, and go on: alone it shows where you are and what to do.",
		RunE: func(cmd *cobra.Command, args []string) error { return insideStatus(cmd.Context(), env, args[0]) },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(text, checkCmd(env), hintCmd(env), answerCmd(env), nextCmd(env), solutionCmd(env), skipCmd(env), clock, extend)
	for _, cmd := range append(root.Commands(), root) {
		run, takes := cmd.RunE, cli.Args()
		if cmd == extend {
			takes = cli.Args("[MINUTES]")
		}
		cmd.Use, cmd.Example = cmd.Name(), ""
		cmd.Long = strings.TrimSpace(strings.TrimSuffix(cmd.Long, refHelp))
		cmd.Args = takes
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd, append([]string{session}, args...)) }
	}
	extend.Use = "extend [MINUTES]"
	return root
}

// insideStatus shows where the learner is.
func insideStatus(ctx context.Context, env *cli.Env, ref string) error {
	b, s, err := sessionOf(ctx, env, ref)
	if err != nil {
		return err
	}
	if env.JSON {
		return show(env, s)
	}
	if err := insideText(ctx, env, ref, 0); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(env.Out)
	for _, st := range s.Steps {
		_, _ = fmt.Fprintln(env.Out, cli.CleanLine(stepLine(env, st)))
	}
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return err
	}
	commands := []string{"lab text"}
	if s.Step >= 1 && s.Step <= len(l.Steps) {
		st := l.Steps[s.Step-1]
		if st.Checked {
			commands = append(commands, "lab check")
		}
		if len(st.Questions) > 0 {
			commands = append(commands, "lab answer")
		}
		if st.Hints > 0 {
			commands = append(commands, "lab hint")
		}
	}
	env.Fprintf(env.Out, "\n%s left. Type: %s, lab next, lab time, lab --help\n", left(env, s.ExpiresAt), strings.Join(commands, ", "))
	return nil
}

// insideText prints the text of a step: 0 is the current one.
func insideText(ctx context.Context, env *cli.Env, ref string, step int) error {
	b, s, err := sessionOf(ctx, env, ref)
	if err != nil {
		return err
	}
	if step == 0 {
		return showStep(ctx, env, b, s)
	}
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return err
	}
	if step > len(l.Steps) {
		return hub.Errorf(hub.Invalid, "This lab has %d steps.", len(l.Steps))
	}
	return env.Read(ctx, stepText(env, l, step))
}

func insideTime(ctx context.Context, env *cli.Env, ref string) error {
	_, s, err := sessionOf(ctx, env, ref)
	if err != nil {
		return err
	}
	return cli.Print(env, s, func(w io.Writer) {
		env.Fprintf(w, "%s left, until %s UTC.\n", left(env, s.ExpiresAt), env.Words().When(s.ExpiresAt.UTC(), "15:04"))
		if s.ExtendableUntil.After(s.ExpiresAt) {
			env.Say("More, until %s UTC at most: cmh lab extend %s", env.Words().When(s.ExtendableUntil.UTC(), "15:04"), s.ID)
		}
	})
}

func sessionOf(ctx context.Context, env *cli.Env, ref string) (cli.Backend, hub.LabSession, error) {
	b, err := env.Backend()
	if err != nil {
		return nil, hub.LabSession{}, err
	}
	s, err := b.LabSession(ctx, ref)
	return b, s, err
}
