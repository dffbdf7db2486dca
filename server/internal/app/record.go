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
// for one; more beside it when that many wait. Who would wait behind more than the
// last is better told so at once.
var recording = bounds{askers: 3, worth: 16, weight: 512, queue: 4096}

// recorder gathers progress. Its zero value is ready.
type recorder struct {
	together[*record]

	once     sync.Once
	outlines *otter.Cache[edition, hub.Course]
}

// An edition is one version of a course, which never changes.
type edition struct {
	course  string
	version int
}

const keptOutlines = 2_000

// record is one request's part of a statement.
type record struct {
	rows   []postgres.GatheredRow
	stands []*postgres.ProgressRow // one for each row; nil: what was known of their course isn't so any more
	err    error
}

// outline is a version of a course without its texts.
func (a *App) outline(ctx context.Context, of edition) (c hub.Course, err error) {
	r := &a.recorder
	r.once.Do(func() { r.outlines = otter.Must(&otter.Options[edition, hub.Course]{MaximumSize: keptOutlines}) })
	if c, ok := r.outlines.GetIfPresent(of); ok {
		return c, nil
	}
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		c, err = tx.OutlineOf(ctx, of.course, of.version)
		return err
	})
	if err == nil {
		r.outlines.Set(of, c)
	}
	return c, err
}

// gather records entries together with others'. It reports false when that
// can't be, and nothing was recorded then.
func (a Actor) gather(ctx context.Context, entries []hub.ProgressEntry, now time.Time) ([]hub.ProgressEntry, bool, error) {
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
	for _, e := range entries {
		if e.ProgressPercentage == 100 || e.CourseID != entries[0].CourseID {
			return nil, false, nil
		}
	}
	outline, err := a.app.outline(ctx, edition{id, version})
	if err != nil {
		return nil, false, err
	}
	rows, err := a.progressRows(entries, map[string]hub.Course{entries[0].CourseID: outline}, now)
	if err != nil {
		return nil, false, nil //nolint:nilerr // whoever asks the database anew may know better, and explains it else
	}
	r := &record{rows: make([]postgres.GatheredRow, len(rows))}
	for i, row := range rows {
		r.rows[i] = postgres.GatheredRow{ProgressRow: row, UserID: a.user.ID, Version: version}
	}
	write := func(batch []*record) { a.app.write(context.WithoutCancel(ctx), batch) } // a caller who has gone changes nothing
	if !a.app.recorder.do(r, len(r.rows), recording, write) {
		return nil, false, errRecordsFull
	}
	if r.stands == nil || r.err != nil {
		return nil, false, r.err
	}
	answer := make([]hub.ProgressEntry, 0, len(rows))
	for i, m := range r.stands {
		if told := slices.ContainsFunc(rows[:i], func(r postgres.ProgressRow) bool { return r.LessonID == m.LessonID }); !told {
			answer = append(answer, hub.ProgressEntry{CourseID: m.CourseID, LessonID: m.LessonID, ProgressPercentage: m.Percentage, CompletedAt: m.CompletedAt})
		}
	}
	return answer, true, nil
}

var errRecordsFull = &hub.Error{Code: hub.Unavailable, Message: "Too much progress is being recorded right now. Please try again in a moment.", RetryAfter: time.Second}

func (a *App) write(ctx context.Context, batch []*record) {
	var rows []postgres.GatheredRow
	for _, r := range batch {
		rows = append(rows, r.rows...)
	}
	var stands []*postgres.ProgressRow
	err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		stands, err = tx.MergeGathered(ctx, rows, a.now())
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
