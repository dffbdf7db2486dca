package app

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Everybody sees what courses there are, with their outlines. Texts and quiz
// questions are for those who may read: of a course flagged free everybody, of
// the others premium learners and staff.
func (a Actor) mayRead(free bool) bool {
	return free || access.Rank(a.user.Role) >= access.Rank(hub.Premium)
}

// refuseReading says who may read.
func (a Actor) refuseReading(course string) error {
	if a.user.ID == "" {
		return hub.Errorf(hub.Forbidden, "The course %q is for premium members; your tier is %s. Log in if you have it.", course, a.user.Role)
	}
	return hub.Errorf(hub.Forbidden, "The course %q is for premium members; your tier is %s.", course, a.user.Role)
}

// Courses lists courses, without texts. Limit defaults to 30.
func (a Actor) Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	page := hub.Page[hub.Course]{Items: []hub.Course{}}
	if err := courseFilter(&f); err != nil {
		return page, err
	}
	if f.Enrolled {
		if err := a.signedIn(); err != nil {
			return page, err
		}
	}
	key, err := a.app.cursorKey(ctx)
	if err != nil {
		return page, err
	}
	q := postgres.CourseQuery{CourseFilter: f, Trigrams: trigrams(f.Query), UserID: a.user.ID, Reads: a.mayRead(false)}
	list := f
	list.Paging = hub.Paging{}
	if f.Cursor != "" {
		q.After = new(postgres.CourseKey)
		if err := key.open(list, f.Cursor, q.After); err != nil {
			return page, err
		}
	}
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error {
		items, next, err := tx.Courses(ctx, q)
		if err != nil {
			return err
		}
		page.Items = items
		if next != nil {
			page.Next = key.seal(list, next)
		}
		return nil
	})
	for _, c := range page.Items {
		a.dress(c)
	}
	return page, err
}

// courseFilter checks f and fills in what it leaves open.
func courseFilter(f *hub.CourseFilter) error {
	var wrong []hub.FieldError
	check := func(ok bool, name, format string, args ...any) {
		if !ok {
			wrong = append(wrong, hub.Field("/"+name, format, args...))
		}
	}
	f.Query, f.Category = strings.TrimSpace(f.Query), strings.TrimSpace(f.Category)
	check(searchable(f.Query), "q", "A search is at most 200 characters, without control characters.")
	check(searchable(f.Category), "category", "A category is at most 200 characters, without control characters.")
	check(f.Provider == "" || slices.Contains(courses.Providers, f.Provider), "provider", "The providers are %s.", strings.Join(courses.Providers, ", "))
	check(f.Level == "" || slices.Contains(courses.Levels, f.Level), "level", "The levels are %s.", strings.Join(courses.Levels, ", "))
	check(f.Limit >= 0 && f.Limit <= 100, "limit", "The limit is from 1 to 100.")
	if f.Limit == 0 {
		f.Limit = 30
	}
	if len(wrong) > 0 {
		return hub.Unfit(wrong)
	}
	return nil
}

func searchable(s string) bool {
	return len(s) <= 800 && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 200 && !strings.ContainsFunc(s, unicode.IsControl)
}

// Course returns a course by slug or id, without lesson bodies.
func (a Actor) Course(ctx context.Context, course string) (hub.Course, error) {
	v, err := a.course(ctx, course)
	if err != nil {
		return hub.Course{}, err
	}
	c := v.Course
	for i := range c.Lessons {
		c.Lessons[i] = a.visible(c, c.Lessons[i], false)
	}
	a.dress(c)
	return c, nil
}

// dress fills in what a course's labs don't hold themselves.
func (a Actor) dress(c hub.Course) {
	for i := range c.Labs {
		a.app.dress(&c.Labs[i])
		c.Labs[i].UpdatedAt = c.UpdatedAt
	}
}

// Lessons returns a course's lessons in order, without bodies.
func (a Actor) Lessons(ctx context.Context, course string) ([]hub.Lesson, error) {
	c, err := a.Course(ctx, course)
	return c.Lessons, err
}

// Lesson returns one lesson with its body.
func (a Actor) Lesson(ctx context.Context, course, lesson string) (hub.Lesson, error) {
	v, err := a.course(ctx, course)
	if err != nil {
		return hub.Lesson{}, err
	}
	l, err := lessonOf(v.Course, lesson)
	if err != nil {
		return hub.Lesson{}, err
	}
	if !a.mayRead(v.Free) {
		return hub.Lesson{}, a.refuseReading(v.Title)
	}
	return a.visible(v.Course, l, true), nil
}

// LessonsOf returns the lessons of several courses at once, by course id: of the
// version that each of list is, with whatever the caller may read.
func (a Actor) LessonsOf(ctx context.Context, list []hub.Course) (map[string][]hub.Lesson, error) {
	keys := make([]postgres.VersionKey, len(list))
	for i, c := range list {
		keys[i] = postgres.VersionKey{CourseID: c.ID, Version: c.Version}
	}
	var found map[postgres.VersionKey]hub.Course
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		found, err = tx.Lessons(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	lessons := make(map[string][]hub.Lesson, len(list))
	for k, c := range found {
		for i, l := range c.Lessons {
			c.Lessons[i] = a.visible(c, l, a.mayRead(c.Free))
		}
		lessons[k.CourseID] = c.Lessons
	}
	return lessons, nil
}

// visible is the part of a lesson that the caller may see.
func (a Actor) visible(c hub.Course, l hub.Lesson, body bool) hub.Lesson {
	if !body {
		l.Body, l.Transcript = "", ""
	}
	if !a.mayRead(c.Free) {
		l.Quiz, l.VideoURL, l.Resources = closed(l.Quiz), "", nil
	}
	return l
}

// Enroll puts the caller into the newest version of a course, which stays
// theirs while it moves on: nobody's lesson changes under them. Enrolling again
// takes the newest version there is; progress stays.
func (a Actor) Enroll(ctx context.Context, course string) (hub.Enrollment, error) {
	var e hub.Enrollment
	if err := a.signedIn(); err != nil {
		return e, err
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err := a.courseIn(ctx, tx, course)
		if err != nil {
			return err
		}
		if !a.mayRead(c.Free) {
			return a.refuseReading(c.Title)
		}
		var first bool
		if e, first, err = tx.Enroll(ctx, a.user.ID, c.ID, a.app.now()); err != nil {
			return err
		}
		if !first { // of the newest version nothing may be left to do
			return a.app.honour(ctx, tx, a.user.ID, c.ID)
		}
		return tx.Event(ctx, a.user.ID, "course.enrolled", e)
	})
	a.app.known.forgetTakes(a.user.ID)
	return e, err
}

func (a Actor) course(ctx context.Context, course string) (c postgres.CourseVersion, err error) {
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err = a.courseIn(ctx, tx, course)
		return err
	})
	return c, err
}

// isUUID reports whether s has the form of an id.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		c := s[i]
		if hyphen != (c == '-') || !hyphen && (c < '0' || c > '9') && (c|' ' < 'a' || c|' ' > 'f') {
			return false
		}
	}
	return true
}

// courseIn finds a course by slug or id, as the caller meets it.
func (a Actor) courseIn(ctx context.Context, tx postgres.Tx, course string) (postgres.CourseVersion, error) {
	switch {
	case isUUID(course):
		return tx.Course(ctx, "", course, a.user.ID)
	case courses.IsSlug(course):
		return tx.Course(ctx, course, "", a.user.ID)
	}
	return postgres.CourseVersion{}, hub.Errorf(hub.NotFound, "There is no such course.")
}

func lessonOf(c hub.Course, lesson string) (hub.Lesson, error) {
	for _, l := range c.Lessons {
		if l.ID == lesson {
			return l, nil
		}
	}
	return hub.Lesson{}, hub.Errorf(hub.NotFound, "There is no such lesson.")
}
