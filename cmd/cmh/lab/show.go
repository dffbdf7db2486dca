package lab

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// show prints how a session stands.
//
//go:noinline
func show(env *cli.Env, s hub.LabSession) error {
	return cli.Print(env, s, func(w io.Writer) {
		row := func(name, format string, a ...any) { env.Pair(w, 8, name, fmt.Sprintf(format, a...)) }
		row(words.Mark("Session"), "%s", s.ID)
		row(words.Mark("Lab"), "%s: %s", s.LabID, s.Title)
		row(words.Mark("State"), "%s", env.Shown().T(s.State))
		if s.Message != "" {
			row(words.Mark("Message"), "%s", env.Shown().Told(s.Message))
		}
		if s.Step > 0 {
			row(words.Mark("Step"), "%s", env.Shown().Tf("%d of %d", s.Step, len(s.Steps)))
		}
		if !hub.Ended(s.State) {
			row(words.Mark("Time"), "%s", env.Shown().Tf("%s left", left(env, s.ExpiresAt)))
			row("SSH", "ssh -p %d %s@%s", s.SSH.Port, s.SSH.User, s.SSH.Host)
		}
		for _, st := range s.Steps {
			row("", "%s", stepLine(env, st))
		}
	})
}

func left(env *cli.Env, until time.Time) string {
	d := time.Until(until).Round(time.Minute)
	switch {
	case d <= 0:
		return env.Shown().T("less than a minute")
	case d < 2*time.Hour:
		return env.Shown().Tf("%d min", int(d.Minutes()))
	}
	return env.Shown().Tf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// marks are the states of a step as one character, for those who skim; the word
// stands beside it.
var marks = map[string]string{hub.StepPassed: "✓", hub.StepFailed: "✗", hub.StepError: "!", hub.StepSkipped: "-"}

// The same as words, and how a check went.
var _ = [...]string{words.Mark("pending"), words.Mark("failed"), words.Mark("error"), words.Mark("skipped"), words.Mark("unverified")}

func stepLine(env *cli.Env, st hub.StepState) string {
	mark := marks[st.State]
	if mark == "" {
		mark = "·"
	}
	return env.Aloud(fmt.Sprintf("%s %d. %s (%s)", mark, st.Number, st.Title, env.Shown().T(st.State)))
}

// showStep prints the text of the step a session is at.
func showStep(ctx context.Context, env *cli.Env, b cli.Labs, s hub.LabSession) error {
	l, err := b.Lab(ctx, s.LabID)
	if err != nil {
		return err
	}
	if s.Step < 1 || s.Step > len(l.Steps) {
		if l.Finish != "" {
			return env.Read(ctx, env.Markdown(l.Finish))
		}
		env.Say("That was the last step. Hand it in with: cmh lab submit %s", s.ID)
		return nil
	}
	return env.Read(ctx, stepText(env, l, s.Step))
}

func stepText(env *cli.Env, l hub.Lab, n int) string {
	st := l.Steps[n-1]
	return env.Tf("Step %d of %d: %s", n, len(l.Steps), cli.CleanLine(st.Title)) + "\n\n" + env.Markdown(st.Text) + hostsOf(env, l, st)
}

// hostsOf says which hosts the numbers beside the step's blocks are.
func hostsOf(env *cli.Env, l hub.Lab, st hub.LabStep) string {
	var b strings.Builder
	for i, h := range l.Hosts {
		if i > 0 && strings.Contains(st.Text, fmt.Sprintf("HOST%d", i+1)) {
			env.Fprintf(&b, "Host %d is %s: cmh lab attach --host %s\n", i+1, cli.CleanLine(h), cli.CleanLine(h))
		}
	}
	return b.String()
}
