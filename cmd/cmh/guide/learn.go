package guide

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// home is what there is to do at all.
func (g guide) home(ctx context.Context) ([]choice, error) {
	var out []choice
	next, err := g.hub.Next(ctx)
	if err != nil && hub.CodeOf(err) != hub.Unauthenticated {
		g.say("What to do next is not known right now: %s", g.env.Message(err))
	}
	for _, n := range next[:min(len(next), 3)] {
		out = append(out, choice{sentence(g.env.Tf("Next: %s", n.Title), g.env.Words().Told(n.Reason)), g.step(n)})
	}
	return append(
		out,
		choice{g.env.T("Courses"), g.courses(hub.CourseFilter{}, g.env.T("Courses"))},
		choice{g.env.T("Search courses"), g.search},
		choice{g.env.T("My courses"), g.courses(hub.CourseFilter{Enrolled: true}, g.env.T("My courses"))},
		choice{g.env.T("Labs"), g.labs(hub.LabFilter{Runnable: true}, g.env.T("Labs"))},
		choice{g.env.T("Progress"), g.progress},
		choice{g.env.T("Certificates"), g.certificates},
		choice{g.env.T("Account"), func(ctx context.Context) error { return g.menu(ctx, g.env.T("Account"), g.account) }},
		choice{g.env.T("Settings: what can be set, and how"), g.set},
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
//
//go:noinline
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
					joined = g.env.T("joined")
				}
				out = append(out, choice{sentence(c.Title, g.env.T(c.Level), c.Provider, g.minutes(c.Duration), joined), g.course(c.Slug)})
			}
			if page.Next != "" {
				more := f
				more.Cursor = page.Next
				out = append(out, choice{g.env.T("More courses"), g.courses(more, title)})
			}
			if len(out) > 1 {
				f.Cursor = ""
				out = append(out, choice{g.env.T("Narrow this list"), g.narrow(f, title, page.Items)})
			}
			return out, nil
		})
	}
}

// narrow offers a list of fewer courses: those that are like some of these.
//
//go:noinline
func (g guide) narrow(f hub.CourseFilter, title string, of []hub.Course) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.menu(ctx, g.env.T("Narrow this list"), func(context.Context) ([]choice, error) {
			var out []choice
			for _, by := range []struct {
				of func(hub.Course) string
				to func(*hub.CourseFilter) *string
			}{
				{func(c hub.Course) string { return c.Level }, func(f *hub.CourseFilter) *string { return &f.Level }},
				{func(c hub.Course) string { return c.Provider }, func(f *hub.CourseFilter) *string { return &f.Provider }},
				{func(c hub.Course) string { return c.Category }, func(f *hub.CourseFilter) *string { return &f.Category }},
			} {
				var seen []string
				for _, c := range of {
					if v := by.of(c); v != "" && !slices.Contains(seen, v) {
						seen = append(seen, v)
					}
				}
				if len(seen) < 2 {
					continue // that would narrow nothing
				}
				for _, v := range seen {
					f, name := f, cli.CleanLine(g.env.T(v))
					*by.to(&f) = v
					out = append(out, choice{g.env.Tf("Only %s", name), g.courses(f, title+", "+name)})
				}
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
	return g.courses(hub.CourseFilter{Query: text}, g.env.Tf("Found for %s", cli.CleanLine(text)))(ctx)
}

func (g guide) minutes(n int) string {
	if n == 0 {
		return ""
	}
	return g.env.N(n, "%d minute", "%d minutes", n)
}

// course tells of a course, and what is in it.
//
//go:noinline
func (g guide) course(slug string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.run(ctx, "course", "view", slug)
		return g.menu(ctx, g.env.Tf("Course %s", cli.CleanLine(slug)), func(ctx context.Context) ([]choice, error) {
			c, err := g.hub.Course(ctx, slug)
			if err != nil {
				return nil, err
			}
			done := g.done(ctx, c.Slug)
			var out []choice
			if !c.Enrolled {
				out = append(out, choice{g.env.T("Join this course"), g.command("course", "enroll", c.Slug)})
			}
			for i, l := range c.Lessons {
				out = append(out, choice{sentence(g.env.Tf("Lesson %d: %s", i+1, l.Title), g.minutes(l.Duration), done[l.ID]), g.lesson(c.Slug, l.ID)})
			}
			for _, l := range c.Labs {
				out = append(out, choice{sentence(g.env.Tf("Lab: %s", l.Title), g.minutes(l.EstimatedTime), done["lab "+l.ID]), g.lab(l.ID)})
			}
			if c.Enrolled {
				out = append(out, choice{g.env.T("Leave this course"), g.sure(g.env.T("Leave this course? What you did in it is kept."), g.command("course", "leave", c.Slug))})
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
			out[id] = g.env.T("done")
		case percent > 0:
			out[id] = g.env.Tf("%d percent done", percent)
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
//
//go:noinline
func (g guide) lesson(course, id string) func(context.Context) error {
	return func(ctx context.Context) error {
		g.run(ctx, "lesson", "view", course, id)
		return g.menu(ctx, g.env.Tf("Lesson %s", cli.CleanLine(id)), func(ctx context.Context) ([]choice, error) {
			l, err := g.hub.Lesson(ctx, course, id)
			if err != nil {
				return nil, err
			}
			out := []choice{{g.env.T("Read it again"), g.command("lesson", "view", course, id)}, {g.env.T("Mark it as done"), g.command("lesson", "done", course, id)}}
			if parts := g.sections(l); len(parts) > 0 && parts[len(parts)-1].title != "" {
				out = append(out, choice{g.env.T("Headings: go to a part of it"), g.headings(l)})
			}
			out = append(out, choice{g.env.T("Find a text in it"), g.find(l)})
			if l.Quiz != nil {
				out = append(out, choice{g.env.T("Take its quiz"), g.command("quiz", "take", course, id)})
			}
			if l.Lab != "" {
				out = append(out, choice{g.env.T("Go to its lab"), g.lab(l.Lab)})
			}
			all, err := g.hub.Lessons(ctx, course)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(all, func(l hub.Lesson) bool { return l.ID == id })
			if i >= 0 && i+1 < len(all) {
				out = append(out, choice{g.env.Tf("Next lesson: %s", cli.CleanLine(all[i+1].Title)), g.lesson(course, all[i+1].ID)})
			}
			if i > 0 {
				out = append(out, choice{g.env.Tf("Lesson before: %s", cli.CleanLine(all[i-1].Title)), g.lesson(course, all[i-1].ID)})
			}
			return out, nil
		})
	}
}

// certificates are read out one by one.
func (g guide) certificates(ctx context.Context) error {
	all, err := g.hub.Certificates(ctx)
	if err == nil && len(all) == 0 {
		g.say("None yet: there is one for each course that you complete.")
	}
	if err != nil || len(all) == 0 {
		return err
	}
	return g.menu(ctx, g.env.T("Certificates"), func(context.Context) ([]choice, error) {
		var out []choice
		for _, c := range all {
			out = append(out, choice{sentence(c.Title, g.env.Words().When(c.IssuedAt.UTC(), "2 Jan 2006")), g.command("cert", "download", c.ID)})
		}
		return out, nil
	})
}

func (g guide) progress(ctx context.Context) error {
	g.run(ctx, "progress")
	g.run(ctx, "achievements")
	return ctx.Err()
}

func (g guide) account(context.Context) ([]choice, error) {
	return []choice{
		{g.env.T("My profile"), g.command("profile", "view")},
		{g.env.T("How much of my limits I have used"), g.command("profile", "usage")},
		{g.env.T("My SSH keys"), g.sshKeys},
		{g.env.T("Where I am signed in"), g.signIns},
		{g.env.T("My API keys"), g.apiKeys},
		{g.env.T("Change the name that others see"), func(ctx context.Context) error {
			name, err := g.ask(ctx, "Name:")
			if err != nil || name == "" {
				return err
			}
			return g.command("profile", "edit", "--name", name)(ctx)
		}},
	}, nil
}
