package graph

import (
	"context"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// A reader reads for one caller. What many fields of an answer need is asked for
// once, whichever of them comes first: so the statements that an answer costs
// don't grow with the lists in it.
type reader struct {
	as       app.Actor
	stands   once[[]hub.CourseProgress]
	started  once[[]hub.LabSession]
	achieved once[hub.Achievements]
}

// once is what is asked for once.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

func (o *once[T]) get(ask func() (T, error)) (T, error) {
	o.Do(func() { o.value, o.err = ask() })
	return o.value, o.err
}

func (r *reader) guest() bool { return r.as.User().ID == "" }

func (r *reader) courses(ctx context.Context) ([]hub.CourseProgress, error) {
	return r.stands.get(func() ([]hub.CourseProgress, error) { return r.as.Progress(ctx) })
}

func (r *reader) sessions(ctx context.Context) ([]hub.LabSession, error) {
	return r.started.get(func() ([]hub.LabSession, error) { return r.as.LabSessions(ctx) })
}

func (r *reader) achievements(ctx context.Context) ([]hub.Achievement, error) {
	a, err := r.achieved.get(func() (hub.Achievements, error) { return r.as.Achievements(ctx) })
	return a.Achievements, err
}

func (r *reader) streak(ctx context.Context) (*hub.Streak, error) {
	a, err := r.achieved.get(func() (hub.Achievements, error) { return r.as.Achievements(ctx) })
	return found(a.Streak, err)
}

// course is how far the caller is with a course: nil when they don't take it.
func (r *reader) course(ctx context.Context, id string) (*hub.CourseProgress, error) {
	if r.guest() {
		return nil, nil
	}
	all, err := r.courses(ctx)
	for i := range all {
		if all[i].CourseID == id {
			return &all[i], err
		}
	}
	return nil, err
}

// lab is how far the caller is with a lab: nil when they don't take its course.
func (r *reader) lab(ctx context.Context, id string) (*hub.LabProgress, error) {
	if r.guest() {
		return nil, nil
	}
	all, err := r.courses(ctx)
	for i := range all {
		for j := range all[i].Labs {
			if all[i].Labs[j].LabID == id {
				return &all[i].Labs[j], err
			}
		}
	}
	return nil, err
}

// session is the caller's of a lab: nil without one.
func (r *reader) session(ctx context.Context, lab string) (*hub.LabSession, error) {
	if r.guest() {
		return nil, nil
	}
	all, err := r.sessions(ctx) // running ones first, then the newest
	for i := range all {
		if all[i].LabID == lab {
			return &all[i], err
		}
	}
	return nil, err
}

func (r *reader) labs(list []hub.Lab) []Lab {
	labs := make([]Lab, len(list))
	for i, l := range list {
		labs[i] = Lab{Lab: l, by: r}
	}
	return labs
}

// whole is a course by itself.
func (r *reader) whole(ctx context.Context, ref string) (*Course, error) {
	c, err := r.as.Course(ctx, ref)
	if err != nil {
		return nil, err
	}
	shelved := r.shelve([]hub.Course{c})
	shelved[0].whole = true
	return &shelved[0], nil
}

// shelve is the courses of one list.
func (r *reader) shelve(list []hub.Course) []Course {
	on := &shelf{by: r, list: list}
	courses := make([]Course, len(list))
	for i, c := range list {
		courses[i] = Course{Course: c, on: on}
	}
	return courses
}

// A shelf is the courses of one list, whose texts are read together.
type shelf struct {
	by    *reader
	list  []hub.Course
	texts once[map[string][]hub.Lesson]
}

// lessons are those of all the courses, by course id.
func (s *shelf) lessons(ctx context.Context) (map[string][]hub.Lesson, error) {
	return s.texts.get(func() (map[string][]hub.Lesson, error) { return s.by.as.LessonsOf(ctx, s.list) })
}
