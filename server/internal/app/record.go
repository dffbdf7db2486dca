package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Most progress is small news of courses that a learner takes already, told by
// many at once. Those are gathered while the database writes the ones before,
// and written together: one statement, one flush of its log. Each is answered
// when what it said is committed. What enrolls somebody, completes a lesson or
// is refused is rare, and goes its own way, in a transaction of its own.

// recording is: one statement on its way, which costs as much for a few entries as
// for one; more beside it when that many wait, or it takes long. Who would wait
// behind more than the last is better told so at once.
var recording = bounds{askers: 3, worth: 64, weight: 512, queue: 4096, late: 50 * time.Millisecond}

// recorder gathers progress. What is news of a lesson with some progress, as most is,
// has a queue of its own: it doesn't wait for the rest. Its zero value is ready.
type recorder struct {
	changes, additions together[*record]

	once       sync.Once
	syllabuses *otter.Cache[edition, *syllabus]
}

// An edition is one version of a course, which never changes.
type edition struct {
	course  string
	version int
}

const keptSyllabuses = 2_000

// record is one request's part of a statement.
type record struct {
	rows   []postgres.GatheredRow
	stands []*postgres.ProgressRow // one for each row; nil: what was known of their course isn't so any more
	err    error
}

// A syllabus is what progress in a version of a course is held to.
type syllabus struct {
	free    bool
	lessons map[string]bool
}

func (a *App) syllabus(ctx context.Context, of edition) (*syllabus, error) {
	r := &a.recorder
	r.once.Do(func() {
		r.syllabuses = otter.Must(&otter.Options[edition, *syllabus]{MaximumSize: keptSyllabuses})
	})
	if s, ok := r.syllabuses.GetIfPresent(of); ok {
		return s, nil
	}
	var c hub.Course
	err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		c, err = tx.OutlineOf(ctx, of.course, of.version)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &syllabus{free: c.Free, lessons: make(map[string]bool, len(c.Lessons))}
	for _, l := range c.Lessons {
		s.lessons[l.ID] = true
	}
	r.syllabuses.Set(of, s)
	return s, nil
}

// gather records entries together with others'. It reports false when that
// can't be, and nothing was recorded then, or what is true of a version that they
// took until now: whoever asks the database anew may know better, and explains it else.
func (a Actor) gather(ctx context.Context, entries []hub.ProgressEntry) ([]hub.ProgressEntry, bool, error) {
	takes, ok, err := a.takes(ctx)
	if !ok || err != nil || len(entries) > recording.weight/4 {
		return nil, false, err
	}
	// All of one course, so that either all of it is merged or nothing.
	id := entries[0].CourseID
	if of, ok := takes.ids[id]; ok {
		id = of
	}
	version, ok := takes.versions[id]
	if !ok {
		return nil, false, nil
	}
	course, err := a.app.syllabus(ctx, edition{id, version})
	if err != nil || !a.mayRead(course.free) {
		return nil, false, err
	}
	r := &record{rows: make([]postgres.GatheredRow, len(entries))}
	for i, e := range entries {
		if e.ProgressPercentage == 100 || e.CourseID != entries[0].CourseID || !course.lessons[e.LessonID] {
			return nil, false, nil
		}
		r.rows[i] = postgres.GatheredRow{
			UserID: a.user.ID, Version: version,
			ProgressRow: postgres.ProgressRow{CourseID: id, LessonID: e.LessonID, Percentage: e.ProgressPercentage},
		}
	}
	add := func(tx postgres.Tx, ctx context.Context, rows []postgres.GatheredRow) ([]*postgres.ProgressRow, error) {
		return tx.MergeGathered(ctx, rows, a.app.now())
	}
	if !a.app.recorder.changes.do(r, len(r.rows), recording, a.app.writing(ctx, postgres.Tx.ChangeGathered)) {
		return nil, false, errRecordsFull
	}
	if r.stands == nil && r.err == nil && !a.app.recorder.additions.do(r, len(r.rows), recording, a.app.writing(ctx, add)) {
		return nil, false, errRecordsFull
	}
	if r.stands == nil || r.err != nil {
		return nil, false, r.err
	}
	answer := make([]hub.ProgressEntry, 0, len(r.rows))
	for i, m := range r.stands {
		if told := slices.ContainsFunc(r.rows[:i], func(r postgres.GatheredRow) bool { return r.LessonID == m.LessonID }); !told {
			answer = append(answer, hub.ProgressEntry{CourseID: m.CourseID, LessonID: m.LessonID, ProgressPercentage: m.Percentage, CompletedAt: m.CompletedAt})
		}
	}
	return answer, true, nil
}

var errRecordsFull = &hub.Error{Code: hub.Unavailable, Message: "Too much progress is being recorded right now. Please try again in a moment.", RetryAfter: time.Second}

// writing is what somebody at the head of a queue does for a batch: one statement.
func (a *App) writing(ctx context.Context, merge func(postgres.Tx, context.Context, []postgres.GatheredRow) ([]*postgres.ProgressRow, error)) func([]*record) {
	return func(batch []*record) {
		defer a.contain(ctx)
		var (
			rows   []postgres.GatheredRow
			stands []*postgres.ProgressRow
		)
		for _, r := range batch {
			rows = append(rows, r.rows...)
		}
		err := a.DB.Ask(context.WithoutCancel(ctx), func(ctx context.Context, tx postgres.Tx) (err error) { // a caller who has gone changes nothing
			stands, err = merge(tx, ctx, rows)
			return err
		})
		if err != nil {
			for _, r := range batch {
				if hub.CodeOf(err) == hub.Unavailable {
					r.err = err
				} // else one of them is wrong, perhaps: each finds out by itself
			}
			return
		}
		for _, r := range batch {
			n := len(r.rows)
			if !slices.Contains(stands[:n], nil) {
				r.stands = stands[:n:n]
			}
			stands = stands[n:]
		}
	}
}
