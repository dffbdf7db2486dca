package graph

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// resolver answers the root fields of one request, each by one rule of app.
type resolver struct{ *reader }

// Query is what reads.
func (r resolver) Query() QueryResolver { return query(r) }

// Mutation is what changes.
func (r resolver) Mutation() MutationResolver { return mutation{r.as} }

type query struct{ *reader }

func (q query) Me(ctx context.Context) (*User, error) {
	u, err := q.as.Profile(ctx)
	return found(User{u, q.reader}, err)
}

func (q query) Courses(ctx context.Context, filter *hub.CourseFilter, first *int, after *string) ([]Course, error) {
	page, err := q.coursePage(ctx, filter, first, after)
	if err != nil {
		return nil, err
	}
	return q.shelve(page.Items), nil
}

func (q query) CoursesConnection(ctx context.Context, filter *hub.CourseFilter, first *int, after *string) (*CourseConnection, error) {
	page, err := q.coursePage(ctx, filter, first, after)
	if err != nil {
		return nil, err
	}
	return &CourseConnection{q.shelve(page.Items), PageInfo{orNil(page.Next)}}, nil
}

func (q query) coursePage(ctx context.Context, filter *hub.CourseFilter, first *int, after *string) (hub.Page[hub.Course], error) {
	var f hub.CourseFilter
	if filter != nil {
		f = *filter
	}
	var err error
	if f.Paging, err = paging(first, after); err != nil {
		return hub.Page[hub.Course]{}, err
	}
	return q.as.Courses(ctx, f)
}

func (q query) Course(ctx context.Context, id string) (*Course, error) { return q.whole(ctx, id) }

func (q query) Lesson(ctx context.Context, courseID, id string) (*Lesson, error) {
	c, err := q.whole(ctx, courseID)
	if err != nil {
		return nil, err
	}
	l, err := q.as.Lesson(ctx, c.ID, id)
	return found(Lesson{Lesson: l, of: *c, read: true}, err)
}

func (q query) Labs(ctx context.Context, filter *hub.LabFilter, first *int, after *string) ([]Lab, error) {
	page, err := q.labPage(ctx, filter, first, after)
	if err != nil {
		return nil, err
	}
	return q.labs(page.Items), nil
}

func (q query) LabsConnection(ctx context.Context, filter *hub.LabFilter, first *int, after *string) (*LabConnection, error) {
	page, err := q.labPage(ctx, filter, first, after)
	if err != nil {
		return nil, err
	}
	return &LabConnection{q.labs(page.Items), PageInfo{orNil(page.Next)}}, nil
}

func (q query) labPage(ctx context.Context, filter *hub.LabFilter, first *int, after *string) (hub.Page[hub.Lab], error) {
	var f hub.LabFilter
	if filter != nil {
		f = *filter
	}
	var err error
	if f.Paging, err = paging(first, after); err != nil {
		return hub.Page[hub.Lab]{}, err
	}
	return q.as.Labs(ctx, f)
}

func (q query) Lab(ctx context.Context, id string) (*Lab, error) {
	l, err := q.as.Lab(ctx, id)
	return found(Lab{l, q.reader, true}, err)
}

func (q query) LabSession(ctx context.Context, id string) (*hub.LabSession, error) {
	s, err := q.as.LabSession(ctx, id)
	return found(s, err)
}

func (q query) LabHistory(ctx context.Context, lab *string, first *int, after *string) (*LabAttemptConnection, error) {
	p, err := paging(first, after)
	if err != nil {
		return nil, err
	}
	f := hub.LabHistoryFilter{Paging: p}
	if lab != nil {
		f.Lab = *lab
	}
	page, err := q.as.LabHistory(ctx, f)
	return found(LabAttemptConnection{page.Items, PageInfo{orNil(page.Next)}}, err)
}

func (q query) Progress(ctx context.Context) ([]hub.CourseProgress, error) { return q.courses(ctx) }

func (q query) Achievements(ctx context.Context) ([]hub.Achievement, error) {
	return q.achievements(ctx)
}

func (q query) Streak(ctx context.Context) (*hub.Streak, error) { return q.streak(ctx) }

// mutation reads anew after each change.
type mutation struct{ as app.Actor }

func (m mutation) EnrollInCourse(ctx context.Context, courseID string) (*Enrollment, error) {
	e, err := m.as.Enroll(ctx, courseID)
	return found(Enrollment{e, &reader{as: m.as}}, err)
}

func (m mutation) UpdateProgress(ctx context.Context, input []hub.ProgressEntry) ([]Progress, error) {
	merged, err := m.as.RecordProgress(ctx, input)
	by := &reader{as: m.as}
	stands := make([]Progress, len(merged))
	for i, e := range merged {
		stands[i] = Progress{e, by}
	}
	if err != nil {
		return nil, err
	}
	return stands, nil
}

func (m mutation) StartLab(ctx context.Context, labID string) (*hub.LabSession, error) {
	s, err := m.as.StartLab(ctx, labID)
	return found(s, err)
}

// found is what a rule returned: nothing, where it refused.
func found[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}

const maxPage = 100

func paging(first *int, after *string) (p hub.Paging, err error) {
	if after != nil {
		p.Cursor = *after
	}
	if first == nil {
		return p, nil
	}
	if *first < 1 || *first > maxPage {
		return p, hub.Unfit([]hub.FieldError{hub.Field("/first", "first is a number from 1 to %d.", maxPage)})
	}
	p.Limit = *first
	return p, nil
}
