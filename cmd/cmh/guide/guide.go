// Package guide is cmh for those who read with a program or in Braille: what the
// screens do, as questions and answers in lines. Nothing is drawn, moved or
// spun; each answer is announced by a line of its own. What one chooses is done
// by the commands that there are for it.
package guide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Run runs one command of cmh for env, and returns its exit status.
type Run func(ctx context.Context, env *cli.Env, args ...string) int

type guide struct {
	env *cli.Env
	hub cli.Backend
	do  Run
	own bool // this machine is the learner's: config is among the commands
}

func (g guide) run(ctx context.Context, args ...string) int { return g.do(ctx, g.env, args...) }

// hushed is run for what is said otherwise. What goes wrong is still said.
func (g guide) hushed(ctx context.Context, args ...string) int {
	env := *g.env
	env.Out = io.Discard
	return g.do(ctx, &env, args...)
}

// errQuit ends the guide from wherever one is.
var errQuit = errors.New("quit")

// Open talks with the learner until they quit, or the input ends. On their own
// machine run knows the config commands.
func Open(ctx context.Context, env *cli.Env, run Run, own bool) error {
	b, err := env.Backend()
	if err != nil {
		return err
	}
	g := guide{env, b, run, own}
	g.say("CloudMastersHub, in lines. Answer with a number, or the first letters of a choice. 0 goes back, q quits, Enter repeats the choices.")
	if u, err := b.Profile(ctx); err == nil {
		g.say("You are signed in as %s.", cli.CleanLine(u.Username))
	} else if hub.CodeOf(err) == hub.Unauthenticated {
		g.say("You are not signed in. %s", g.env.T(cli.LogInWith))
	}
	err = g.menu(ctx, g.env.T("Home"), g.home)
	if errors.Is(err, errQuit) {
		err = nil
	}
	if err == nil {
		g.say("Bye.")
	}
	return err
}

func (g guide) say(format string, args ...any) {
	_, _ = fmt.Fprintln(g.env.Out, cli.Clean(g.env.Tf(format, args...)))
}

// command is a choice's action: one command of cmh.
func (g guide) command(args ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.run(ctx, args...) // says itself what went wrong
		return ctx.Err()
	}
}

// sure asks before it does what can't be undone.
func (g guide) sure(question string, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := g.env.Confirm(ctx, question)
		if hub.CodeOf(err) == hub.Conflict {
			g.say("%s", g.env.Message(err))
			return nil
		}
		if err != nil {
			return err
		}
		return do(ctx)
	}
}

// A choice is one line of a menu.
type choice struct {
	text string
	do   func(context.Context) error
}

// menu offers what fill returns, anew after each choice, until the learner goes
// back or there is nothing left.
func (g guide) menu(ctx context.Context, title string, fill func(context.Context) ([]choice, error)) error {
	for {
		choices, err := fill(ctx)
		if err != nil {
			return err
		}
		if len(choices) == 0 {
			g.say("%s. %s", title, g.env.T("Nothing to show."))
			return nil
		}
		if err := g.choose(ctx, title, choices); errors.Is(err, errBack) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var errBack = errors.New("back")

// choose asks once, and does what is chosen. What goes wrong there is said.
func (g guide) choose(ctx context.Context, title string, choices []choice) error {
	g.say("%s", "\n"+g.env.N(len(choices), "%s. %d choice.", "%s. %d choices.", strings.TrimRight(title, ".?!"), len(choices)))
	for i, c := range choices {
		g.say("%d. %s", i+1, c.text)
	}
	for {
		answer, err := g.env.Ask(ctx, "Your choice:", "a number")
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // the input has ended
			return errQuit
		}
		switch answer = strings.ToLower(strings.TrimSpace(answer)); answer {
		case "0":
			return errBack
		case "q":
			return errQuit
		case "":
			return nil
		}
		c := pick(choices, answer)
		if c == nil {
			g.say("Please answer with a number from 0 to %d, the first letters of a choice, or q.", len(choices))
			continue
		}
		g.say("%s.", strings.TrimSuffix(c.text, "."))
		err = c.do(ctx)
		if errors.Is(err, errQuit) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			g.say("That did not work: %s", g.env.Message(err))
		}
		return nil
	}
}

// pick is the choice of that number, or the only one that begins so, with whole words
// before others; nil is none.
func pick(choices []choice, answer string) *choice {
	if n, err := strconv.Atoi(answer); err == nil {
		if n < 1 || n > len(choices) {
			return nil
		}
		return &choices[n-1]
	}
	for _, ends := range []string{" ,:;.", ""} {
		var found []*choice
		for i := range choices {
			rest, ok := strings.CutPrefix(strings.ToLower(choices[i].text), answer)
			if ok && (ends == "" || rest == "" || strings.ContainsRune(ends, rune(rest[0]))) {
				found = append(found, &choices[i])
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}

// ask asks for a text; empty when there is none.
func (g guide) ask(ctx context.Context, question string) (string, error) {
	text, err := g.env.Ask(ctx, question, "a text")
	if err != nil && ctx.Err() == nil {
		return "", errQuit
	}
	return strings.TrimSpace(text), err
}
