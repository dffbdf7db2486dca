package app

import (
	"context"
	"runtime/debug"
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

const (
	recordWriters = 3    // statements on their way at once
	recordMost    = 512  // entries of one statement
	recordQueue   = 4096 // who waits longer than that is better told so at once
)

// recorder gathers progress. Its zero value is ready.
type recorder struct {
	mu      sync.Mutex
	waiting []*record
	writers int

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
	done   chan struct{}
	merged map[postgres.LessonKey]postgres.ProgressRow
	stale  bool // what was known of their courses isn't so any more
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
	if !ok || err != nil || len(entries) > recordMost/4 {
		return nil, false, err
	}
	outlines := map[string]hub.Course{}
	for _, e := range entries {
		if e.ProgressPercentage == 100 {
			return nil, false, nil
		}
		id := e.CourseID
		if of, ok := takes.ids[id]; ok {
			id = of
		}
		version, ok := takes.versions[id]
		if !ok {
			return nil, false, nil
		}
		if _, ok := outlines[e.CourseID]; !ok {
			if outlines[e.CourseID], err = a.app.outline(ctx, edition{id, version}); err != nil {
				return nil, false, err
			}
		}
	}
	rows, err := a.progressRows(entries, outlines, now)
	if err != nil {
		return nil, false, nil //nolint:nilerr // whoever asks the database anew may know better, and explains it else
	}
	r := &record{done: make(chan struct{}), rows: make([]postgres.GatheredRow, 0, len(rows))}
	for _, row := range rows {
		r.rows = append(r.rows, postgres.GatheredRow{ProgressRow: row, UserID: a.user.ID, Version: takes.versions[row.CourseID]})
	}
	if err := a.app.recorder.add(ctx, a.app, r); err != nil {
		return nil, false, err
	}
	<-r.done // bounded by the statement's own time; a caller who has gone changes nothing
	switch {
	case r.stale:
		return nil, false, nil
	case r.err != nil:
		return nil, false, r.err
	}
	answer := make([]hub.ProgressEntry, 0, len(rows))
	for _, row := range rows {
		key := postgres.LessonKey{CourseID: row.CourseID, LessonID: row.LessonID}
		if m, ok := r.merged[key]; ok {
			delete(r.merged, key)
			answer = append(answer, hub.ProgressEntry{CourseID: m.CourseID, LessonID: m.LessonID, ProgressPercentage: m.Percentage, CompletedAt: m.CompletedAt})
		}
	}
	return answer, true, nil
}

var errRecordsFull = &hub.Error{Code: hub.Unavailable, Message: "Too much progress is being recorded right now. Please try again in a moment.", RetryAfter: time.Second}

// add puts r in the queue, and a writer to work unless enough of them are.
func (q *recorder) add(ctx context.Context, a *App, r *record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= recordQueue {
		return errRecordsFull
	}
	q.waiting = append(q.waiting, r)
	if q.writers < recordWriters {
		q.writers++
		go q.write(context.WithoutCancel(ctx), a) // ends when nobody waits, and whoever waits waits for it
	}
	return nil
}

// next is what fits in one statement, or nothing when nobody waits: then the
// writer has ended.
func (q *recorder) next() []*record {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.writers--
		return nil
	}
	n, entries := 0, 0
	for n < len(q.waiting) && (n == 0 || entries+len(q.waiting[n].rows) <= recordMost) {
		entries += len(q.waiting[n].rows)
		n++
	}
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return batch
}

func (q *recorder) write(ctx context.Context, a *App) {
	for batch := q.next(); batch != nil; batch = q.next() {
		a.writeTogether(ctx, batch)
	}
}

func (a *App) writeTogether(ctx context.Context, batch []*record) {
	// No request is below us that would catch it, and others wait for theirs.
	defer func() {
		if p := recover(); p != nil {
			a.Log.ErrorContext(ctx, "progress not written together", "panic", p, "stack", string(debug.Stack()))
		}
		for _, r := range batch {
			if r.merged == nil && r.err == nil {
				r.stale = true
			}
			close(r.done)
		}
	}()
	var rows []postgres.GatheredRow
	for i, r := range batch {
		for _, row := range r.rows {
			row.Request = i
			rows = append(rows, row)
		}
	}
	var (
		merged map[postgres.LearnerLesson]postgres.ProgressRow
		stale  []int
	)
	err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		merged, stale, err = tx.MergeGathered(ctx, rows, a.now())
		return err
	})
	for _, i := range stale {
		batch[i].stale = true
	}
	for _, r := range batch {
		switch {
		case hub.CodeOf(err) == hub.Unavailable:
			r.err = err
		case err != nil: // one of them, perhaps: each finds out by itself
			r.stale = true
		case !r.stale:
			r.merged = make(map[postgres.LessonKey]postgres.ProgressRow, len(r.rows))
			for _, row := range r.rows {
				key := postgres.LessonKey{CourseID: row.CourseID, LessonID: row.LessonID}
				if m, ok := merged[postgres.LearnerLesson{UserID: row.UserID, LessonKey: key}]; ok {
					r.merged[key] = m
				}
			}
		}
	}
}
