// Package quiz is `cmh quiz ...`: being asked. The answers are judged by the
// hub, which alone knows them.
package quiz

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

// Command returns the quiz command.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("quiz", "Test what you know", takeCmd(env), attemptsCmd(env))
}

func takeCmd(env *cli.Env) *cobra.Command {
	var given []string
	cmd := &cobra.Command{
		Use:   "take COURSE LESSON",
		Short: "Take the quiz of a lesson",
		Long: "Take the quiz of a lesson. On a terminal each question is asked; scripts answer with --answer, once for each question. " +
			"Exit status 3 when the quiz was not passed.",
		Example: "  cmh quiz take linux-shell reading-logs\n  cmh quiz take linux-shell reading-logs --answer uniq=a --json",
		Args:    cli.Args("COURSE", "LESSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return take(cmd.Context(), env, args[0], args[1], given)
		},
	}
	cmd.Flags().StringArrayVar(&given, "answer", nil, "`Q=A`: question id, choice ids or text")
	return cmd
}

func take(ctx context.Context, env *cli.Env, course, lesson string, given []string) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	l, err := b.Lesson(ctx, course, lesson)
	if err != nil {
		return err
	}
	if l.Quiz == nil || len(l.Quiz.Questions) == 0 {
		return hub.Errorf(hub.NotFound, "This lesson has no quiz.")
	}
	answers, err := parse(l.Quiz, given)
	if err != nil {
		return err
	}
	if err := ask(ctx, env, l.Quiz, answers); err != nil {
		return err
	}
	r, err := b.TakeQuiz(ctx, course, lesson, hub.QuizAnswers{Answers: answers})
	if err != nil {
		return err
	}
	if err := cli.Print(env, r, func(w io.Writer) { report(w, env, l.Quiz, r) }); err != nil {
		return err
	}
	if !r.Passed {
		return cli.StatusError(cli.ExitRed)
	}
	return nil
}

// parse reads the --answer flags.
func parse(q *hub.Quiz, given []string) (map[string][]string, error) {
	answers := map[string][]string{}
	for _, g := range given {
		id, value, ok := strings.Cut(g, "=")
		i := slices.IndexFunc(q.Questions, func(x hub.Question) bool { return x.ID == id })
		if !ok || i < 0 {
			return nil, hub.Errorf(hub.Invalid, "--answer %q names no question. The questions are: %s.", g, ids(q.Questions))
		}
		if _, twice := answers[id]; twice {
			return nil, hub.Errorf(hub.Invalid, "Question %s is answered twice. Several choices are written %s=a,c.", id, id)
		}
		chosen, err := choices(q.Questions[i], value)
		if err != nil {
			return nil, err
		}
		answers[id] = chosen
	}
	return answers, nil
}

func ids(qs []hub.Question) string {
	names := make([]string, len(qs))
	for i, q := range qs {
		names[i] = q.ID
	}
	return strings.Join(names, ", ")
}

// choices reads one answer: choice ids, or the text as it is.
func choices(q hub.Question, value string) ([]string, error) {
	if q.Kind == hub.Text {
		return []string{value}, nil
	}
	chosen := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	for _, c := range chosen {
		if !slices.ContainsFunc(q.Choices, func(x hub.Choice) bool { return x.ID == c }) {
			names := make([]string, len(q.Choices))
			for i, x := range q.Choices {
				names[i] = x.ID
			}
			return nil, hub.Errorf(hub.Invalid, "Question %s has no choice %q. Its choices are: %s.", q.ID, c, strings.Join(names, ", "))
		}
	}
	if len(chosen) == 0 || q.Kind == hub.Single && len(chosen) > 1 {
		if q.Kind == hub.Single {
			return nil, hub.Errorf(hub.Invalid, "Question %s takes one choice.", q.ID)
		}
		return nil, hub.Errorf(hub.Invalid, "Question %s takes at least one choice.", q.ID)
	}
	return chosen, nil
}

// ask asks what is not answered yet.
func ask(ctx context.Context, env *cli.Env, q *hub.Quiz, answers map[string][]string) error {
	var open []hub.Question
	for _, x := range q.Questions {
		if _, ok := answers[x.ID]; !ok {
			open = append(open, x)
		}
	}
	if len(open) > 0 && !env.Interactive() {
		return hub.Errorf(hub.Invalid, "--answer is missing for: %s. There is nobody to ask.", ids(open))
	}
	for n, x := range open {
		env.Fprintf(env.Err, "\n%d of %d (%s)\n%s", n+1, len(open), cli.CleanLine(x.ID), env.Markdown(x.Prompt))
		for _, c := range x.Choices {
			_, _ = fmt.Fprintf(env.Err, "  %s) %s\n", cli.CleanLine(c.ID), cli.CleanLine(c.Text))
		}
		how := map[string]string{hub.Single: words.Mark("One letter:"), hub.Multiple: words.Mark("All that are right, with commas:")}[x.Kind]
		if how == "" {
			how = words.Mark("Your answer:")
		}
		for {
			value, err := env.Ask(ctx, how, "--answer")
			if err != nil {
				return err
			}
			if answers[x.ID], err = choices(x, strings.TrimSpace(value)); err == nil {
				break
			}
			env.Say("%s", env.Message(err))
		}
	}
	return nil
}

func report(w io.Writer, env *cli.Env, q *hub.Quiz, r hub.QuizResult) {
	for _, a := range r.Questions {
		mark := map[bool]string{true: words.Mark("✓ right"), false: words.Mark("✗ wrong")}[a.Correct]
		_, _ = fmt.Fprintf(w, "%s: %s\n", env.Aloud(env.T(mark)), cli.CleanLine(a.ID))
		if a.Explanation != "" {
			_, _ = io.WriteString(w, env.Markdown(a.Explanation))
		}
	}
	verdict := map[bool]string{true: words.Mark("Passed"), false: words.Mark("Not passed")}[r.Passed]
	env.Fprintf(w, "%s: %d%%, needed are %d%%.\n", env.T(verdict), r.Score, q.Pass)
}
