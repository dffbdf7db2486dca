package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// LabHistory lists the caller's sessions, running ones included, the newest
// first. Limit defaults to 30.
func (a Actor) LabHistory(ctx context.Context, f hub.LabHistoryFilter) (hub.Page[hub.LabAttempt], error) {
	page := hub.Page[hub.LabAttempt]{Items: []hub.LabAttempt{}}
	if err := a.signedIn(); err != nil {
		return page, err
	}
	var w wrongs
	if !searchable(f.Lab) {
		w.add("/lab", "That is not the id of a lab.")
	}
	if !searchable(f.Course) {
		w.add("/course", "That is not the slug of a course.")
	}
	w.limit(&f.Paging)
	if err := w.err(); err != nil {
		return page, err
	}
	var err error
	page.Next, err = paged(ctx, a.app, struct{ LabHistory, Lab, Course string }{a.user.ID, f.Lab, f.Course}, f.Cursor,
		func(ctx context.Context, tx postgres.Tx, after *postgres.AccountKey) (next *postgres.AccountKey, err error) {
			page.Items, next, err = tx.LabHistory(ctx, a.user.ID, f, after, a.app.now())
			return next, err
		})
	return page, err
}

// QuizAttempts lists how the caller answered the quiz of a lesson, the newest
// first. They are the caller's own words, so it takes no right to read the
// lesson any more. Limit defaults to 30.
func (a Actor) QuizAttempts(ctx context.Context, course, lesson string, p hub.Paging) (hub.Page[hub.QuizAttempt], error) {
	page := hub.Page[hub.QuizAttempt]{Items: []hub.QuizAttempt{}}
	if err := a.signedIn(); err != nil {
		return page, err
	}
	var w wrongs
	w.limit(&p)
	if err := w.err(); err != nil {
		return page, err
	}
	c, err := a.course(ctx, course)
	if err != nil {
		return page, err
	}
	l, err := lessonOf(c.Course, lesson)
	if err != nil {
		return page, err
	}
	of := postgres.LessonKey{CourseID: c.ID, LessonID: l.ID}
	page.Next, err = paged(ctx, a.app, struct {
		QuizAttempts string
		Of           postgres.LessonKey
	}{a.user.ID, of}, p.Cursor,
		func(ctx context.Context, tx postgres.Tx, after *postgres.AccountKey) (next *postgres.AccountKey, err error) {
			page.Items, next, err = tx.QuizAttempts(ctx, a.user.ID, of, p, after)
			return next, err
		})
	return page, err
}
