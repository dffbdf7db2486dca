package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Many learners' progress is written together, on two servers at once: each
// answer holds what was said and not more than anybody said, wrong requests are
// told so alone, and in the end every lesson has the highest percentage.
func TestProgressIsWrittenTogether(t *testing.T) {
	t.Parallel()
	one := apitest.New(t)
	two := one.Beside(t)
	one.Watch(t)
	two.Watch(t)
	course := newAuthor(t, one, hub.Instructor).publish(t, "one")
	newAuthor(t, one, hub.Instructor).publish(t, "paid", premium)
	const learners, writers, rounds = 4, 4, 12
	var wg sync.WaitGroup
	users := make([]hub.User, learners)
	for i := range users {
		c := one.User(t, hub.Free)
		if i%2 == 0 { // the others enroll with their first word
			if _, err := c.Enroll(t.Context(), "one"); err != nil {
				t.Fatal(err)
			}
		}
		u, err := c.Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		users[i] = u
	}
	for i, u := range users {
		for w := range writers {
			as := []*apitest.API{one, two}[w%2].App.As(u)
			wg.Go(func() {
				for n := range rounds {
					percentage := 1 + (i*31+w*17+n*7)%90
					merged, err := as.RecordProgress(t.Context(), []hub.ProgressEntry{
						entry("one", "counting", percentage), entry(course.ID, "counting", percentage-1), entry(course.ID, "sorting", 99-percentage),
					})
					if err != nil || len(merged) != 2 || merged[0].LessonID != "counting" || merged[0].CourseID != course.ID ||
						merged[0].ProgressPercentage < percentage || merged[0].ProgressPercentage > 90 || merged[1].ProgressPercentage < 99-percentage {
						t.Errorf("learner %d, writer %d: %+v, %v", i, w, merged, err)
					}
					for bad, at := range map[hub.ProgressEntry]string{
						entry("one", "absent", 5):    "/entries/1/lesson_id",
						entry("nowhere", "x", 5):     "/entries/1/course_id",
						entry("one", "counting", -1): "/entries/1/progress_percentage",
					} {
						_, err := as.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 95), bad})
						e, ok := errors.AsType[*hub.Error](err)
						if !ok || len(e.Fields) != 1 || e.Fields[0].Pointer != at {
							t.Errorf("%+v: %v", bad, err)
						}
					}
					_, err = as.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 95), entry("paid", "counting", 5)})
					apitest.Code(t, err, hub.Forbidden)
				}
			})
		}
	}
	wg.Wait()
	for i, u := range users {
		most, least := 0, 100
		for w := range writers {
			for n := range rounds {
				p := 1 + (i*31+w*17+n*7)%90
				most, least = max(most, p), min(least, p)
			}
		}
		want := fmt.Sprintf("counting %d, sorting %d", most, 99-least)
		if got := standing(t, one.App.As(u)); got != want {
			t.Errorf("learner %d: %s, want %s", i, got, want)
		}
	}
	if n := events(t, one, "course.enrolled"); n != learners {
		t.Errorf("%d enrolled, of %d", n, learners)
	}
}

func standing(t *testing.T, as app.Actor) string {
	t.Helper()
	ps, err := as.Progress(t.Context())
	if err != nil || len(ps) != 1 {
		t.Fatalf("got %+v, %v", ps, err)
	}
	return fmt.Sprintf("counting %d, sorting %d", ps[0].Lessons[0].Percentage, ps[0].Lessons[1].Percentage)
}

// What is news of a lesson that somebody else's transaction is about to begin waits
// for that, and nobody else's news does.
func TestProgressWaitsForItsOwnLessonOnly(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	course := newAuthor(t, api, hub.Instructor).publish(t, "one")
	var as [2]app.Actor
	var users [2]string
	for i := range as {
		u, err := api.User(t, hub.Free).Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		as[i], users[i] = api.App.As(u), u.ID
		if _, err := as[i].RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 1)}); err != nil {
			t.Fatal(err)
		}
	}
	pool := api.App.DB.Pool()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `INSERT INTO user_progress (user_id, course_id, lesson_id, progress_percentage) VALUES ($1, $2, 'sorting', 1)`, users[0], course.ID); err != nil {
		t.Fatal(err)
	}
	told := make(chan error)
	go func() {
		merged, err := as[0].RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "sorting", 20)})
		if err == nil && merged[0].ProgressPercentage != 20 {
			err = fmt.Errorf("got %+v", merged)
		}
		told <- err
	}()
	for waits := 0; waits == 0; {
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if merged, err := as[1].RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 10)}); err != nil || merged[0].ProgressPercentage != 10 {
		t.Errorf("beside one who waits: %+v, %v", merged, err)
	}
	select {
	case err := <-told:
		t.Errorf("nobody waits: %v", err)
	default:
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil {
		t.Error(err)
	}
}

// A lesson that is complete stays so, and its completion is told once, however
// it and smaller news arrive at the same time.
func TestACompletionAmongSmallerNews(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	api.Watch(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	u, err := api.User(t, hub.Free).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := api.App.As(u)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 10 {
				for _, p := range []int{n, 100, 50} {
					merged, err := as.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", p)})
					if err != nil || p == 100 && merged[0].CompletedAt == nil || n > 0 && merged[0].ProgressPercentage != 100 {
						t.Errorf("%+v, %v", merged, err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := events(t, api, "lesson.completed"); n != 1 {
		t.Errorf("completed %d times", n)
	}
}

// Whoever takes another version of a course is answered by that one.
func TestProgressKnowsTheVersionOfItsLearner(t *testing.T) {
	t.Parallel()
	one := apitest.New(t)
	two := one.Beside(t)
	one.Watch(t)
	two.Watch(t)
	a := newAuthor(t, one, hub.Instructor)
	a.publish(t, "moving")
	c := one.User(t, hub.Free)
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	record := func(api *apitest.API, lesson string) error {
		_, err := api.App.As(u).RecordProgress(t.Context(), []hub.ProgressEntry{entry("moving", lesson, 10)})
		return err
	}
	for _, api := range []*apitest.API{one, two, one, two} {
		if err := record(api, "sorting"); err != nil {
			t.Fatal(err)
		}
	}
	a.publish(t, "moving", func(d *hub.Course) { d.Lessons[1].ID = "ordering" })
	for _, api := range []*apitest.API{one, two} {
		apitest.Code(t, record(api, "ordering"), hub.Invalid)
	}
	if _, err := c.Enroll(t.Context(), "moving"); err != nil {
		t.Fatal(err)
	}
	for _, api := range []*apitest.API{one, two} { // at once, also where it wasn't asked
		if err := record(api, "ordering"); err != nil {
			t.Error(err)
		}
		apitest.Code(t, record(api, "sorting"), hub.Invalid)
	}
}
