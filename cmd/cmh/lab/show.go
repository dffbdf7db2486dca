package lab

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// show prints how a session stands.
func show(env *cli.Env, s hub.LabSession) error {
	return cli.Print(env, s, func(w io.Writer) {
		row := func(name, format string, a ...any) {
			value := cli.CleanLine(fmt.Sprintf(format, a...))
			if env.ForHumans() {
				_, _ = fmt.Fprintf(w, "%-8s %s\n", name, value)
			} else {
				_, _ = fmt.Fprintf(w, "%s\t%s\n", name, value)
			}
		}
		row("Session", "%s", s.ID)
		row("Lab", "%s: %s", s.LabID, s.Title)
		row("State", "%s", s.State)
		if s.Message != "" {
			row("Message", "%s", s.Message)
		}
		if s.Step > 0 {
			row("Step", "%d of %d", s.Step, len(s.Steps))
		}
		if !hub.Ended(s.State) {
			row("Time", "%s left", left(s.ExpiresAt))
			row("SSH", "ssh -p %d %s@%s", s.SSH.Port, s.SSH.User, s.SSH.Host)
		}
		for _, st := range s.Steps {
			row("", "%s", stepLine(st))
		}
	})
}

func left(until time.Time) string {
	d := time.Until(until).Round(time.Minute)
	switch {
	case d <= 0:
		return "less than a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// marks are the states of a step as one character, for those who skim; the word
// stands beside it.
var marks = map[string]string{hub.StepPassed: "✓", hub.StepFailed: "✗", hub.StepError: "!", hub.StepSkipped: "-"}

func stepLine(st hub.StepState) string {
	mark := marks[st.State]
	if mark == "" {
		mark = "·"
	}
	return fmt.Sprintf("%s %d. %s (%s)", mark, st.Number, st.Title, st.State)
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
	return fmt.Sprintf("Step %d of %d: %s\n\n%s%s", n, len(l.Steps), cli.CleanLine(st.Title), env.Markdown(st.Text), hostsOf(l, st))
}

// hostsOf says which hosts the numbers beside the step's blocks are.
func hostsOf(l hub.Lab, st hub.LabStep) string {
	var b strings.Builder
	for i, h := range l.Hosts {
		if i > 0 && strings.Contains(st.Text, fmt.Sprintf("HOST%d", i+1)) {
			fmt.Fprintf(&b, "Host %d is %s: cmh lab attach --host %s\n", i+1, cli.CleanLine(h), cli.CleanLine(h))
		}
	}
	return b.String()
}
