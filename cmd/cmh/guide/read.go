package guide

import (
	"context"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/tui/markdown"
)

// A section is a part of a lesson's text, from its heading to the next.
type section struct {
	title string // empty before the first heading
	text  string
}

// sections are the parts of a lesson, in order, as they are read aloud.
func (g guide) sections(l hub.Lesson) []section {
	src := l.Body
	if l.Transcript != "" {
		src += "\n\n## " + g.env.T("What is said in the video") + "\n\n" + l.Transcript
	}
	text, _, headings := g.env.Pages.Outline(src, markdown.Options{Width: 1000, Unfold: true, Linear: true, Words: g.env.Words()})
	lines := strings.Split(text, "\n")
	var out []section
	from, title := 0, ""
	end := func(to int) {
		if part := strings.TrimSpace(strings.Join(lines[from:to], "\n")); part != "" {
			out = append(out, section{title, part})
		}
		from = to
	}
	for _, h := range headings {
		end(h.Line)
		title = h.Text
	}
	end(len(lines))
	return out
}

// headings offers the parts of a lesson.
func (g guide) headings(l hub.Lesson) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.menu(ctx, g.env.T("Headings"), func(context.Context) ([]choice, error) {
			var out []choice
			for _, s := range g.sections(l) {
				if s.title != "" {
					out = append(out, choice{cli.CleanLine(s.title), g.aloud(s)})
				}
			}
			return out, nil
		})
	}
}

func (g guide) aloud(s section) func(context.Context) error {
	return func(ctx context.Context) error {
		g.say("%s", s.text)
		return ctx.Err()
	}
}

// mostFound bounds how many places are offered: more are no help.
const mostFound = 20

// find looks for a text in a lesson, and offers the places.
func (g guide) find(l hub.Lesson) func(context.Context) error {
	return func(ctx context.Context) error {
		what, err := g.ask(ctx, "Find what?")
		if err != nil || what == "" {
			return err
		}
		places := g.places(l, strings.ToLower(what))
		if len(places) == 0 {
			g.say("%s is nowhere in it.", cli.CleanLine(what))
			return nil
		}
		return g.menu(ctx, g.env.Tf("Places with %s", cli.CleanLine(what)), func(context.Context) ([]choice, error) { return places, nil })
	}
}

// places are the lines that hold what, each with the heading that it is under.
func (g guide) places(l hub.Lesson, what string) []choice {
	var out []choice
	for _, s := range g.sections(l) {
		for line := range strings.SplitSeq(s.text, "\n") {
			if len(out) == mostFound || !strings.Contains(strings.ToLower(line), what) {
				continue
			}
			under := ""
			if s.title != "" {
				under = g.env.Tf("under %s", s.title)
			}
			out = append(out, choice{sentence(line, under), g.aloud(s)})
		}
	}
	return out
}
