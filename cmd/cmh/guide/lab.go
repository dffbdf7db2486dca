package guide

import (
	"context"
	"strconv"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// labs lists those that fit a filter, a page at a time; what runs comes first.
//
//go:noinline
func (g guide) labs(f hub.LabFilter, title string) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.menu(ctx, title, func(ctx context.Context) ([]choice, error) {
			var out []choice
			running, f := map[string]bool{}, f
			if all, err := g.hub.LabSessions(ctx); err == nil {
				for _, s := range all {
					if hub.Ended(s.State) {
						continue
					}
					running[s.LabID] = true
					if f.Cursor == "" && f.Query == "" {
						out = append(out, choice{sentence(g.env.Tf("Running: %s", s.Title), g.where(s)), g.lab(s.LabID)})
					}
				}
			}
			f.Limit = perPage
			page, err := g.hub.Labs(ctx, f)
			if err != nil {
				return nil, err
			}
			for _, l := range page.Items {
				if running[l.ID] && f.Query == "" {
					continue
				}
				not := ""
				if !l.Runnable {
					not = g.env.T("can't run here")
				}
				out = append(out, choice{sentence(l.Title, g.env.T(l.Difficulty), g.minutes(l.EstimatedTime), g.env.N(len(l.Steps), "%d step", "%d steps", len(l.Steps)), not), g.lab(l.ID)})
			}
			if page.Next != "" {
				more := f
				more.Cursor = page.Next
				out = append(out, choice{g.env.T("More labs"), g.labs(more, title)})
			}
			if f.Cursor == "" && f.Query == "" && f.Runnable {
				out = append(out, choice{g.env.T("Search labs"), g.searchLabs},
					choice{g.env.T("All labs, also those that can't run here"), g.labs(hub.LabFilter{}, g.env.T("All labs"))})
			}
			return out, nil
		})
	}
}

func (g guide) searchLabs(ctx context.Context) error {
	text, err := g.ask(ctx, "Search for:")
	if err != nil || text == "" {
		return err
	}
	return g.labs(hub.LabFilter{Query: text}, g.env.Tf("Found for %s", cli.CleanLine(text)))(ctx)
}

// where says at which step a session is, and how long it has.
func (g guide) where(s hub.LabSession) string {
	text := ""
	if s.Step > 0 && len(s.Steps) > 0 {
		text = g.env.Tf("step %d of %d, ", s.Step, len(s.Steps))
	}
	left := max(int(time.Until(s.ExpiresAt).Minutes()), 0)
	return text + g.env.N(left, "%d minute left", "%d minutes left", left)
}

// lab is one lab: about it while it doesn't run, and its steps while it does.
//
//go:noinline
func (g guide) lab(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		l, err := g.hub.Lab(ctx, id)
		if err != nil {
			return err
		}
		return g.menu(ctx, g.env.Tf("Lab %s", cli.CleanLine(l.Title)), func(ctx context.Context) ([]choice, error) {
			s, err := g.hub.LabSession(ctx, id)
			switch code := hub.CodeOf(err); {
			case err == nil && !hub.Ended(s.State):
				return g.running(l, s), nil
			case err == nil, code == hub.NotFound, code == hub.Unauthenticated:
			default:
				return nil, err
			}
			out := []choice{{g.env.T("Read about it"), g.command("lab", "view", id)}}
			if l.Runnable {
				out = append(out, choice{g.env.T("Start it"), g.start(id)})
			} else {
				g.say("It can be read, but not run here: %s", cli.CleanLine(g.env.Words().Told(l.Reason)))
			}
			return out, nil
		})
	}
}

// start starts a lab, waits until it is ready, and reads its first step.
func (g guide) start(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.say("Preparing %s ...", cli.CleanLine(id))
		if g.hushed(ctx, "lab", "start", id, "--detach") != cli.ExitOK || g.hushed(ctx, "lab", "wait", id) != cli.ExitOK {
			return ctx.Err()
		}
		g.say("The lab is ready.")
		return ctx.Err()
	}
}

func (g guide) running(l hub.Lab, s hub.LabSession) []choice {
	g.say("\nIt runs: %s.", g.where(s))
	out := []choice{}
	var step hub.LabStep
	if s.Step >= 1 && s.Step <= len(l.Steps) {
		step = l.Steps[s.Step-1]
		out = append(out, choice{g.env.T("Read the step"), g.command("lab", "view", l.ID, "--step", strconv.Itoa(s.Step))})
	} else {
		out = append(out, choice{g.env.T("Read about it"), g.command("lab", "view", l.ID)})
	}
	if len(l.Steps) > 1 {
		out = append(out, choice{g.env.T("Look at another step"), g.other(l)})
	}
	// The shell is the learner's own terminal, as plain as any.
	out = append(out, choice{g.env.T("Open the shell"), g.command("lab", "start", l.ID)})
	if len(step.Questions) > 0 {
		out = append(out, choice{g.env.T("Answer the questions of the step"), g.command("lab", "answer", s.ID)})
	}
	out = append(out, choice{g.env.T("Have the step checked"), g.command("lab", "check", s.ID)})
	if step.Hints > 0 {
		out = append(out, choice{g.env.T("A hint"), g.command("lab", "hint", s.ID)})
	}
	if step.HasSolution {
		out = append(out, choice{g.env.T("The solution"), g.command("lab", "solution", s.ID)})
	}
	out = append(out, choice{g.env.T("Go on to the next step"), g.command("lab", "next", s.ID)})
	if s.Step >= 1 && s.Step <= len(s.Steps) && s.Steps[s.Step-1].Attempts >= 3 {
		out = append(out, choice{g.env.T("Skip the step"), g.command("lab", "skip", s.ID)})
	}
	return append(
		out,
		choice{g.env.T("How every step stands"), g.command("lab", "status", s.ID)},
		choice{g.env.T("More time"), g.command("lab", "extend", s.ID)},
		choice{g.env.T("Begin the step again"), g.command("lab", "reset", s.ID)},
		choice{g.env.T("Save what you have made"), g.command("lab", "save", s.ID)},
		choice{g.env.T("Leap to another step"), g.leap(s.ID)},
		choice{g.env.T("Hand the lab in"), g.sure(g.env.T("Hand this lab in? The machine is gone afterwards."), g.command("lab", "submit", s.ID))},
		choice{g.env.T("Stop it; what you made is kept"), g.sure(
			g.env.T("Stop this lab? The machine ends, and what runs in it. Its files are kept where the hub keeps any: see cmh lab resume."),
			g.command("lab", "stop", s.ID),
		)},
	)
}

// other reads a step that the learner names.
func (g guide) other(l hub.Lab) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.menu(ctx, g.env.T("Steps"), func(context.Context) ([]choice, error) {
			var out []choice
			for _, s := range l.Steps {
				out = append(out, choice{cli.CleanLine(s.Title), g.command("lab", "view", l.ID, "--step", strconv.Itoa(s.Number))})
			}
			return out, nil
		})
	}
}

// leap goes to a step that the learner names.
func (g guide) leap(session string) func(context.Context) error {
	return func(ctx context.Context) error {
		step, err := g.ask(ctx, "To which step?")
		if err != nil || step == "" {
			return err
		}
		return g.command("lab", "goto", step, session)(ctx)
	}
}
