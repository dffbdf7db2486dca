package guide

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// home is what there is to do at all.
func (g guide) home(ctx context.Context) ([]choice, error) {
	var out []choice
	next, err := g.hub.Next(ctx)
	if err != nil && hub.CodeOf(err) != hub.Unauthenticated {
		g.say("What to do next is not known right now: %s", hub.MessageOf(err))
	}
	for _, n := range next[:min(len(next), 3)] {
		out = append(out, choice{sentence("Next: "+n.Title, n.Reason), g.step(n)})
	}
	return append(
		out,
		choice{"Courses", g.courses(hub.CourseFilter{}, "Courses")},
		choice{"Search courses", g.search},
		choice{"My courses", g.courses(hub.CourseFilter{Enrolled: true}, "My courses")},
		choice{"Labs", g.labs("")},
		choice{"Progress", g.progress},
		choice{"Certificates", g.command("cert", "list")},
		choice{"Account", func(ctx context.Context) error { return g.menu(ctx, "Account", g.account) }},
		choice{"Settings: what can be set, and how", g.command("help", "environment")},
	), nil
}

// sentence joins what is said of one thing.
func sentence(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimRight(cli.CleanLine(p), ". "); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

// step goes where a suggestion points.
func (g guide) step(n hub.NextStep) func(context.Context) error {
	switch {
	case n.Lab != "":
		return g.lab(n.Lab)
	case n.Lesson != "":
		return g.lesson(n.Course, n.Lesson)
	}
	return g.course(n.Course)
}

const perPage = 15

// courses lists courses, a page at a time.
func (g guide) courses(f hub.CourseFilter, title string) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.menu(ctx, title, func(ctx context.Context) ([]choice, error) {
			f := f
			f.Limit = perPage
			page, err := g.hub.Courses(ctx, f)
			if err != nil {
				return nil, err
			}
			var out []choice
			for _, c := range page.Items {
				joined := ""
				if c.Enrolled {
					joined = "joined"
				}
				out = append(out, choice{sentence(c.Title, c.Level, c.Provider, minutes(c.Duration), joined), g.course(c.Slug)})
			}
			if page.Next != "" {
				f.Cursor = page.Next
				out = append(out, choice{"More courses", g.courses(f, title)})
			}
			return out, nil
		})
	}
}

func (g guide) search(ctx context.Context) error {
	text, err := g.ask(ctx, "Search for:")
	if err != nil || text == "" {
		return err
	}
	return g.courses(hub.CourseFilter{Query: text}, "Found for "+cli.CleanLine(text))(ctx)
}

func minutes(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d minutes", n)
}

// course tells of a course, and what is in it.
func (g guide) course(slug string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.run(ctx, "course", "view", slug)
		return g.menu(ctx, "Course "+cli.CleanLine(slug), func(ctx context.Context) ([]choice, error) {
			c, err := g.hub.Course(ctx, slug)
			if err != nil {
				return nil, err
			}
			done := g.done(ctx, c.Slug)
			var out []choice
			if !c.Enrolled {
				out = append(out, choice{"Join this course", g.command("course", "enroll", c.Slug)})
			}
			for i, l := range c.Lessons {
				out = append(out, choice{sentence(fmt.Sprintf("Lesson %d: %s", i+1, l.Title), minutes(l.Duration), done[l.ID]), g.lesson(c.Slug, l.ID)})
			}
			for _, l := range c.Labs {
				out = append(out, choice{sentence("Lab: "+l.Title, minutes(l.EstimatedTime), done["lab "+l.ID]), g.lab(l.ID)})
			}
			return out, nil
		})
	}
}

// done says of each lesson and lab of a course how far the learner is.
func (g guide) done(ctx context.Context, slug string) map[string]string {
	out := map[string]string{}
	list, err := g.hub.Progress(ctx)
	if err != nil {
		return out // a guest, say
	}
	say := func(id string, percent int) {
		switch {
		case percent >= 100:
			out[id] = "done"
		case percent > 0:
			out[id] = fmt.Sprintf("%d percent done", percent)
		}
	}
	for _, p := range list {
		if p.Course == slug {
			for _, l := range p.Lessons {
				say(l.LessonID, l.Percentage)
			}
			for _, l := range p.Labs {
				say("lab "+l.LabID, l.Percentage)
			}
		}
	}
	return out
}

// lesson reads a lesson, and offers what comes after.
func (g guide) lesson(course, id string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.run(ctx, "lesson", "view", course, id)
		return g.menu(ctx, "Lesson "+cli.CleanLine(id), func(ctx context.Context) ([]choice, error) {
			l, err := g.hub.Lesson(ctx, course, id)
			if err != nil {
				return nil, err
			}
			out := []choice{{"Read it again", g.command("lesson", "view", course, id)}, {"Mark it as done", g.command("lesson", "done", course, id)}}
			if l.Quiz != nil {
				out = append(out, choice{"Take its quiz", g.command("quiz", "take", course, id)})
			}
			if l.Lab != "" {
				out = append(out, choice{"Go to its lab", g.lab(l.Lab)})
			}
			all, err := g.hub.Lessons(ctx, course)
			if err != nil {
				return nil, err
			}
			for i := range all {
				if all[i].ID == id && i+1 < len(all) {
					out = append(out, choice{"Next lesson: " + cli.CleanLine(all[i+1].Title), g.lesson(course, all[i+1].ID)})
				}
			}
			return out, nil
		})
	}
}

func (g guide) progress(ctx context.Context) error {
	g.run(ctx, "progress")
	g.run(ctx, "achievements")
	return ctx.Err()
}

func (g guide) account(context.Context) ([]choice, error) {
	return []choice{
		{"My profile", g.command("profile", "view")},
		{"How much of my limits I have used", g.command("profile", "usage")},
		{"My SSH keys", g.command("key", "list")},
		{"Where I am signed in", g.command("auth", "sessions")},
		{"My API keys", g.command("auth", "token", "list")},
		{"Change the name that others see", func(ctx context.Context) error {
			name, err := g.ask(ctx, "Name:")
			if err != nil || name == "" {
				return err
			}
			return g.command("profile", "edit", "--name", name)(ctx)
		}},
	}, nil
}
