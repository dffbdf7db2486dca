package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// maxOthers is how many of the learner's other courses Next reminds of.
const maxOthers = 2

// Next returns what the caller could do now, most useful first: go back to
// running labs, go on in the course they used last (its next lesson, quiz and
// lab, in the order of the course), go on in others, begin a new one. Guests
// are only offered a course to look at.
func (a Actor) Next(ctx context.Context) ([]hub.NextStep, error) {
	steps := []hub.NextStep{}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if a.user.ID != "" {
			s, err := a.standingIn(ctx, tx)
			if err != nil {
				return err
			}
			running, err := tx.RunningLabs(ctx, a.user.ID)
			if err != nil {
				return err
			}
			steps = append(steps, sessionSteps(running)...)
			steps = append(steps, a.courseSteps(s, running)...)
		}
		fresh, err := a.freshCourse(ctx, tx)
		if err == nil && fresh != nil {
			steps = append(steps, *fresh)
		}
		return err
	})
	return steps, err
}

func sessionSteps(running []postgres.LabRun) []hub.NextStep {
	var steps []hub.NextStep
	for _, r := range running {
		steps = append(steps, hub.NextStep{
			Kind: "lab_session", Title: r.Title, Reason: words.Kept("This lab is running."),
			Course: r.Course, Lab: r.LabID, Session: r.ID, Command: "cmh lab attach " + r.ID,
		})
	}
	return steps
}

func (a Actor) courseSteps(s standing, running []postgres.LabRun) []hub.NextStep {
	open := map[string]bool{}
	for _, r := range running {
		open[r.LabID] = true
	}
	var steps []hub.NextStep
	began, others := false, 0
	for _, o := range s.outlines {
		todo := a.todo(s, o, open)
		switch {
		case len(todo) == 0:
		case !began:
			began = true
			steps = append(steps, todo...)
		case others < maxOthers:
			others++
			todo[0].Reason = words.Kept("You have begun %s.", o.Title)
			steps = append(steps, todo[0])
		}
	}
	return steps
}

// todo is what is left of a course, at most one thing of a kind, in the order
// of the course. A quiz and a lab come with their lesson.
func (a Actor) todo(s standing, o postgres.Outline, running map[string]bool) []hub.NextStep {
	var steps []hub.NextStep
	seen := map[string]bool{}
	add := func(n hub.NextStep) {
		if !seen[n.Kind] {
			seen[n.Kind] = true
			n.Course = o.Slug
			steps = append(steps, n)
		}
	}
	byID := make(map[string]hub.Lab, len(o.Labs))
	for _, l := range o.Labs {
		byID[l.ID] = l
	}
	offered := map[string]bool{}
	lab := func(id string) {
		l, ok := byID[id]
		if !ok || offered[id] || running[id] || s.labs[id].CompletedAt != nil || a.app.missing(l.Needs) != "" {
			return
		}
		offered[id] = true
		add(hub.NextStep{
			Kind: "lab", Title: l.Title, Lab: id,
			Reason: words.Kept("Practise what %s teaches.", o.Title), Command: "cmh lab start " + id,
		})
	}
	readable := a.mayRead(o.Free)
	for _, l := range o.Lessons {
		if !readable {
			break
		}
		key := postgres.LessonKey{CourseID: o.ID, LessonID: l.ID}
		if s.lessons[key].CompletedAt == nil {
			reason := words.Kept("The next lesson of %s.", o.Title)
			if s.lessons[key].Percentage > 0 {
				reason = words.Kept("You are %d%% through this lesson.", s.lessons[key].Percentage)
			}
			add(hub.NextStep{Kind: "lesson", Title: l.Title, Lesson: l.ID, Reason: reason, Command: "cmh lesson view " + o.Slug + " " + l.ID})
		}
		if l.Quiz != nil && !s.passed[key] {
			add(hub.NextStep{
				Kind: "quiz", Title: l.Title, Lesson: l.ID,
				Reason: words.Kept("See what stayed with you; %d%% pass.", l.Quiz.Pass), Command: "cmh quiz take " + o.Slug + " " + l.ID,
			})
		}
		lab(l.Lab)
	}
	for _, l := range o.Labs {
		if readable {
			lab(l.ID)
		}
	}
	return steps
}

// freshCourse is a course that the caller doesn't take and may read, easy ones
// first; nil when there is none.
func (a Actor) freshCourse(ctx context.Context, tx postgres.Tx) (*hub.NextStep, error) {
	c, err := tx.FreshCourse(ctx, a.user.ID, a.mayRead(false))
	if hub.CodeOf(err) == hub.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	step := &hub.NextStep{Kind: "course", Title: c.Title, Reason: words.Kept("A course you have not begun."), Course: c.Slug, Command: "cmh course enroll " + c.Slug}
	if a.user.ID == "" {
		step.Reason, step.Command = words.Kept("Free to read, without an account."), "cmh course view "+c.Slug
	}
	return step, nil
}
