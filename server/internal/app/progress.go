package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// maxEntries is how many entries one call of RecordProgress takes.
const maxEntries = 500

// RecordProgress merges entries into the caller's progress: the highest
// percentage and the first completion win, so entries may arrive in any order
// and any number of times. All of them are stored, or none. The first entry of
// a course enrolls in it. It returns each lesson once, as it stands now, in the
// order of entries.
func (a Actor) RecordProgress(ctx context.Context, entries []hub.ProgressEntry) ([]hub.ProgressEntry, error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	now := a.app.now()
	if err := plausible(entries); err != nil {
		return nil, err
	}
	entries = slices.Clone(entries)
	for i, e := range entries {
		if isUUID(e.CourseID) {
			entries[i].CourseID = strings.ToLower(e.CourseID)
		}
	}
	answer, done, err := a.gather(ctx, entries)
	if done || err != nil {
		return answer, err
	}
	var refs []string
	for _, e := range entries {
		if !slices.Contains(refs, e.CourseID) {
			refs = append(refs, e.CourseID)
		}
	}
	enrolled := false
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		answer, enrolled, err = a.recordIn(ctx, tx, entries, refs, now)
		return err
	})
	if enrolled {
		a.app.known.forgetTakes(a.user.ID)
	}
	return answer, err
}

// recordIn is RecordProgress for entries that are plausible, of the courses
// refs. It reports whether it enrolled in one.
func (a Actor) recordIn(ctx context.Context, tx postgres.Tx, entries []hub.ProgressEntry, refs []string, now time.Time) ([]hub.ProgressEntry, bool, error) {
	outlines, fresh, err := tx.EnrollOutlines(ctx, a.user.ID, refs, now)
	if err != nil {
		return nil, false, err
	}
	enrolled := len(fresh) > 0
	rows, err := a.progressRows(entries, outlines, now)
	if err != nil {
		return nil, enrolled, err // and nobody is enrolled in anything
	}
	merged, err := tx.MergeProgress(ctx, a.user.ID, rows, now)
	if err != nil {
		return nil, enrolled, err
	}
	if err := a.announce(ctx, tx, fresh); err != nil {
		return nil, enrolled, err
	}
	var completed []string
	stands := make(map[postgres.LessonKey]postgres.MergedRow, len(merged))
	for _, m := range merged {
		stands[postgres.LessonKey{CourseID: m.CourseID, LessonID: m.LessonID}] = m
		if !m.Completed {
			continue
		}
		if !slices.Contains(completed, m.CourseID) {
			completed = append(completed, m.CourseID)
		}
		err := tx.Event(ctx, a.user.ID, "lesson.completed", map[string]any{
			"course_id": m.CourseID, "course": outlines[m.CourseID].Slug, "lesson_id": m.LessonID, "completed_at": m.CompletedAt,
		})
		if err != nil {
			return nil, enrolled, err
		}
	}
	if len(completed) > 0 {
		if err := a.app.honour(ctx, tx, a.user.ID, completed...); err != nil {
			return nil, enrolled, err
		}
	}
	answer := make([]hub.ProgressEntry, 0, len(merged))
	for _, r := range rows {
		key := postgres.LessonKey{CourseID: r.CourseID, LessonID: r.LessonID}
		if m, ok := stands[key]; ok {
			delete(stands, key)
			answer = append(answer, hub.ProgressEntry{
				CourseID: m.CourseID, LessonID: m.LessonID, ProgressPercentage: m.Percentage, CompletedAt: m.CompletedAt,
			})
		}
	}
	return answer, enrolled, nil
}

// plausible checks what can be checked without the courses.
func plausible(entries []hub.ProgressEntry) error {
	if len(entries) == 0 || len(entries) > maxEntries {
		e := hub.New(hub.Invalid, "Send from 1 to %d entries.", maxEntries)
		e.Fields = []hub.FieldError{hub.Field("/entries", "There are %d entries.", len(entries))}
		return e
	}
	var wrong []hub.FieldError
	for i, e := range entries {
		wrongAt := func(field, detail string) {
			wrong = append(wrong, hub.FieldError{Pointer: fmt.Sprintf("/entries/%d/%s", i, field), Detail: detail})
		}
		if e.ProgressPercentage < 0 || e.ProgressPercentage > 100 {
			wrongAt("progress_percentage", "A percentage is from 0 to 100.")
		}
		if e.CompletedAt != nil && e.ProgressPercentage != 100 {
			wrongAt("completed_at", "A lesson is completed at 100 percent.")
		}
		if !isUUID(e.CourseID) && !courses.IsSlug(e.CourseID) {
			wrongAt("course_id", "There is no such course.")
		}
		if !courses.IsSlug(e.LessonID) {
			wrongAt("lesson_id", "There is no such lesson.")
		}
	}
	return invalidEntries(wrong)
}

func invalidEntries(wrong []hub.FieldError) error {
	if len(wrong) == 0 {
		return nil
	}
	e := hub.New(hub.Invalid, "Nothing was recorded: %s %s", wrong[0].Pointer, wrong[0])
	e.Fields = wrong[:min(len(wrong), 20)]
	return e
}

// progressRows finds the lesson of each entry. A completion without a time is
// now; one in the future comes from a clock that is wrong, and is now too.
func (a Actor) progressRows(entries []hub.ProgressEntry, outlines map[string]hub.Course, now time.Time) ([]postgres.ProgressRow, error) {
	var wrong []hub.FieldError
	rows := make([]postgres.ProgressRow, 0, len(entries))
	for i, e := range entries {
		c, ok := outlines[e.CourseID]
		if !ok {
			wrong = append(wrong, hub.FieldError{Pointer: fmt.Sprintf("/entries/%d/course_id", i), Detail: "There is no such course."})
			continue
		}
		if _, err := lessonOf(c, e.LessonID); err != nil {
			wrong = append(wrong, hub.FieldError{Pointer: fmt.Sprintf("/entries/%d/lesson_id", i), Detail: "The course has no such lesson."})
			continue
		}
		if !a.mayRead(c.Free) {
			return nil, a.refuseReading(c.Title)
		}
		r := postgres.ProgressRow{CourseID: c.ID, LessonID: e.LessonID, Percentage: e.ProgressPercentage}
		if e.ProgressPercentage == 100 {
			r.CompletedAt = &now
			if e.CompletedAt != nil && e.CompletedAt.Before(now) {
				r.CompletedAt = e.CompletedAt
			}
		}
		rows = append(rows, r)
	}
	return rows, invalidEntries(wrong)
}

// Progress returns how far the caller is with every course they enrolled in,
// the most recently used first. Lessons and labs count alike.
func (a Actor) Progress(ctx context.Context) ([]hub.CourseProgress, error) {
	s, err := a.standing(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]hub.CourseProgress, 0, len(s.outlines))
	for _, o := range s.outlines {
		all = append(all, s.course(o))
	}
	return all, nil
}

// standing is everything known about how far one learner is.
type standing struct {
	outlines []postgres.Outline
	lessons  map[postgres.LessonKey]postgres.ProgressRow
	labs     map[string]hub.LabProgress
	passed   map[postgres.LessonKey]bool
}

func (a Actor) standing(ctx context.Context) (s standing, err error) {
	if err := a.signedIn(); err != nil {
		return s, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		s, err = a.standingIn(ctx, tx)
		return err
	})
	return s, err
}

func (a Actor) standingIn(ctx context.Context, tx postgres.Tx) (s standing, err error) {
	if s.outlines, err = tx.Outlines(ctx, a.user.ID); err != nil {
		return s, err
	}
	if s.lessons, err = tx.LessonProgress(ctx, a.user.ID); err != nil {
		return s, err
	}
	if s.labs, err = tx.LabProgress(ctx, a.user.ID); err != nil {
		return s, err
	}
	s.passed, err = tx.QuizzesPassed(ctx, a.user.ID)
	return s, err
}

func (s standing) course(o postgres.Outline) hub.CourseProgress {
	p := hub.CourseProgress{
		CourseID: o.ID, Course: o.Slug, Title: o.Title, StartedAt: o.EnrolledAt,
		Lessons: make([]hub.LessonProgress, 0, len(o.Lessons)), Labs: make([]hub.LabProgress, 0, len(o.Labs)),
	}
	sum, open := 0, 0
	var last time.Time
	count := func(percentage int, completed *time.Time) bool {
		sum += percentage
		if completed == nil {
			open++
			return false
		}
		if completed.After(last) {
			last = *completed
		}
		// What was done offline may have begun before the server heard of it.
		if completed.Before(p.StartedAt) {
			p.StartedAt = *completed
		}
		return true
	}
	for _, l := range o.Lessons {
		key := postgres.LessonKey{CourseID: o.ID, LessonID: l.ID}
		row := s.lessons[key]
		lp := hub.LessonProgress{LessonID: l.ID, Title: l.Title, Percentage: row.Percentage, CompletedAt: row.CompletedAt}
		if l.Quiz != nil {
			passed := s.passed[key]
			lp.QuizPassed = &passed
		}
		if count(lp.Percentage, lp.CompletedAt) {
			p.LessonsDone++
		}
		p.Lessons = append(p.Lessons, lp)
	}
	for _, l := range o.Labs {
		lp := s.labs[l.ID]
		lp.LabID, lp.Title = l.ID, l.Title
		if count(lp.Percentage, lp.CompletedAt) {
			p.LabsDone++
		}
		p.Labs = append(p.Labs, lp)
	}
	if n := len(o.Lessons) + len(o.Labs); n > 0 {
		p.Percentage = sum / n
		if open == 0 {
			p.CompletedAt = &last
		}
	}
	return p
}
