package graph

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// The types of the schema are those of package hub. Those that lead to others
// hold one, and who reads it.

// User is the caller.
type User struct {
	hub.User
	by *reader
}

// Role is theirs.
func (u User) Role() string { return string(u.User.Role) }

// Progress is how far they are.
func (u User) Progress(ctx context.Context) ([]hub.CourseProgress, error) { return u.by.courses(ctx) }

// Achievements are what they have achieved, and could.
func (u User) Achievements(ctx context.Context) ([]hub.Achievement, error) {
	return u.by.achievements(ctx)
}

// Streak is their days in a row.
func (u User) Streak(ctx context.Context) (*hub.Streak, error) { return u.by.streak(ctx) }

// LabSessions are theirs.
func (u User) LabSessions(ctx context.Context) ([]hub.LabSession, error) { return u.by.sessions(ctx) }

// Course is a course, and those it was listed with.
type Course struct {
	hub.Course
	on    *shelf
	whole bool // its lessons lack nothing but their texts
}

// Lessons are its lessons.
func (c Course) Lessons() []Lesson {
	lessons := make([]Lesson, len(c.Course.Lessons))
	for i, l := range c.Course.Lessons {
		lessons[i] = Lesson{Lesson: l, of: c}
	}
	return lessons
}

// Labs are its labs.
func (c Course) Labs() []Lab { return c.on.by.labs(c.Course.Labs) }

// Progress is how far the caller is.
func (c Course) Progress(ctx context.Context) (*hub.CourseProgress, error) {
	return c.on.by.course(ctx, c.ID)
}

// Lesson is a lesson of a course.
type Lesson struct {
	hub.Lesson
	of   Course
	read bool // it lacks nothing
}

// CourseID is its course's.
func (l Lesson) CourseID() string { return l.of.ID }

// VideoURL is nil without one.
func (l Lesson) VideoURL(ctx context.Context) (*string, error) {
	w, err := l.whole(ctx, l.of.whole)
	return orNil(w.VideoURL), err
}

// Resources are links.
func (l Lesson) Resources(ctx context.Context) ([]hub.Resource, error) {
	w, err := l.whole(ctx, l.of.whole)
	return w.Resources, err
}

// Quiz is nil without one.
func (l Lesson) Quiz(ctx context.Context) (*hub.Quiz, error) {
	w, err := l.whole(ctx, l.of.whole)
	return w.Quiz, err
}

// Body is nil for those who may not read.
func (l Lesson) Body(ctx context.Context) (*string, error) {
	w, err := l.whole(ctx, false)
	return orNil(w.Body), err
}

// whole is the lesson with what lists leave out, unless it has enough.
func (l Lesson) whole(ctx context.Context, enough bool) (hub.Lesson, error) {
	if enough || l.read {
		return l.Lesson, nil
	}
	all, err := l.of.on.lessons(ctx)
	for _, w := range all[l.of.ID] {
		if w.ID == l.ID {
			return w, err
		}
	}
	return hub.Lesson{}, err
}

// Progress is how far the caller is.
func (l Lesson) Progress(ctx context.Context) (*hub.LessonProgress, error) {
	c, err := l.of.Progress(ctx)
	if c == nil {
		return nil, err
	}
	for _, p := range c.Lessons {
		if p.LessonID == l.ID {
			return &p, nil
		}
	}
	return nil, nil
}

// Lab is a lab.
type Lab struct {
	hub.Lab
	by   *reader
	read bool // it has its texts
}

// Instructions are what it begins with.
func (l Lab) Instructions() *string { return l.text(l.Lab.Instructions) }

// Finish is what it ends with.
func (l Lab) Finish() *string { return l.text(l.Lab.Finish) }

// Steps are its steps.
func (l Lab) Steps() []hub.LabStep {
	if !l.read {
		return nil
	}
	return l.Lab.Steps
}

func (l Lab) text(s string) *string {
	if !l.read {
		return nil
	}
	return &s
}

// Progress is how far the caller is.
func (l Lab) Progress(ctx context.Context) (*hub.LabProgress, error) { return l.by.lab(ctx, l.ID) }

// Session is the caller's.
func (l Lab) Session(ctx context.Context) (*hub.LabSession, error) { return l.by.session(ctx, l.ID) }

// CourseConnection is a page of courses.
type CourseConnection struct {
	Nodes    []Course
	PageInfo PageInfo
}

// LabConnection is a page of labs.
type LabConnection struct {
	Nodes    []Lab
	PageInfo PageInfo
}

// LabAttemptConnection is a page of sessions that are looked back on.
type LabAttemptConnection struct {
	Nodes    []hub.LabAttempt
	PageInfo PageInfo
}

// PageInfo is where a page ends.
type PageInfo struct{ EndCursor *string }

// HasNextPage tells whether there is more.
func (p PageInfo) HasNextPage() bool { return p.EndCursor != nil }

// Enrollment is the caller's in a course.
type Enrollment struct {
	hub.Enrollment
	by *reader
}

// Course is the course.
func (e Enrollment) Course(ctx context.Context) (*Course, error) { return e.by.whole(ctx, e.CourseID) }

// Progress is how a lesson stands.
type Progress struct {
	hub.ProgressEntry
	by *reader
}

// Course is how its course stands.
func (p Progress) Course(ctx context.Context) (*hub.CourseProgress, error) {
	return p.by.course(ctx, p.CourseID)
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
