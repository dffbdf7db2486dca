package lab

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

func answerCmd(env *cli.Env) *cobra.Command {
	var (
		step, question int
		given          []string
	)
	cmd := &cobra.Command{
		Use:   "answer [REF]",
		Short: "Answer the questions in a lab's text",
		Long: "Answer the questions that a step asks in its text; the lab goes on once all of them are right. On a terminal each one that is " +
			"open is asked. Scripts name one with --question and answer with --answer: a text, or a choice's letter, once for each " +
			"choice. Exit status 3 when the answer is not right.\n" + refHelp,
		Example: "  cmh lab answer\n  cmh lab answer s-4kq2m7ah3x --question 2 --answer a --answer c --json",
		Args:    cli.Args("[REF]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if question > 0 && len(given) == 0 && !env.Interactive() {
				return hub.Errorf(hub.Invalid, "--answer is missing. There is nobody to ask.")
			}
			b, ref, err := backendAndSession(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			a := hub.LabAnswer{Step: step, Question: question, Answer: given}
			if len(given) > 0 {
				return answer(cmd.Context(), env, b, ref, a)
			}
			return askAll(cmd.Context(), env, b, ref, a)
		},
	}
	stepFlag(cmd, &step)
	cmd.Flags().IntVar(&question, "question", 0, "question `N` of the step, from 1; the first open one when absent")
	cmd.Flags().StringArrayVar(&given, "answer", nil, "the `ANSWER`; may be given for each choice")
	return cmd
}

// answer gives one answer and says whether it was right.
func answer(ctx context.Context, env *cli.Env, b cli.Labs, ref string, a hub.LabAnswer) error {
	r, err := b.AnswerLab(ctx, ref, a)
	if err != nil {
		return err
	}
	if err := cli.Print(env, r, func(w io.Writer) { marked(env, w, r) }); err != nil {
		return err
	}
	if !r.Right {
		return cli.StatusError(cli.ExitRed)
	}
	if r.Open == 0 {
		env.Say("Every question of step %d is answered.", r.Step)
	}
	return nil
}

func marked(env *cli.Env, w io.Writer, r hub.AnswerResult) {
	mark := map[bool]string{true: words.Mark("✓ right"), false: words.Mark("✗ not right")}[r.Right]
	env.Fprintf(w, "%s: question %d of step %d\n", env.Aloud(env.T(mark)), r.Question, r.Step)
	if r.Message != "" {
		_, _ = fmt.Fprintln(w, cli.Clean(env.Words().Told(r.Message)))
	}
}

// askAll asks a learner at a terminal for everything that is open.
func askAll(ctx context.Context, env *cli.Env, b cli.Labs, ref string, a hub.LabAnswer) error {
	if !env.Interactive() {
		return hub.Errorf(hub.Invalid, "--answer is missing. There is nobody to ask.")
	}
	s, err := b.LabSession(ctx, ref)
	if err != nil {
		return err
	}
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return err
	}
	if a.Step == 0 {
		a.Step = s.Step
	}
	if a.Step < 1 || a.Step > len(l.Steps) || len(l.Steps[a.Step-1].Questions) == 0 {
		return hub.Errorf(hub.Conflict, "Step %d asks nothing.", a.Step)
	}
	for _, q := range l.Steps[a.Step-1].Questions {
		if a.Question > 0 && q.Number != a.Question {
			continue
		}
		if err := ask(ctx, env, b, ref, a.Step, q); err != nil {
			return err
		}
	}
	return nil
}

// ask puts one question until it is answered right.
func ask(ctx context.Context, env *cli.Env, b cli.Labs, ref string, step int, q hub.LabQuestion) error {
	how := map[string]string{"single": words.Mark("One letter:"), "multiple": words.Mark("All that are right, with commas:")}[q.Kind]
	if how == "" {
		how = words.Mark("Your answer:")
	}
	env.Fprintf(env.Err, "\nQuestion %d\n%s", q.Number, env.Markdown(q.Prompt))
	for i, c := range q.Choices {
		_, _ = fmt.Fprintf(env.Err, "  %c) %s\n", 'a'+rune(i), cli.CleanLine(c))
	}
	for {
		said, err := env.Ask(ctx, how, "--answer")
		if err != nil {
			return err
		}
		given := []string{said}
		if q.Kind == "multiple" {
			given = strings.FieldsFunc(said, func(r rune) bool { return r == ',' || r == ' ' })
		}
		r, err := b.AnswerLab(ctx, ref, hub.LabAnswer{Step: step, Question: q.Number, Answer: given})
		switch {
		case hub.CodeOf(err) == hub.Invalid:
			env.Say("%s", env.Message(err))
		case err != nil:
			return err
		default:
			marked(env, env.Err, r)
			if r.Right {
				return nil
			}
		}
	}
}
