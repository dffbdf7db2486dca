package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

func entry(course, lesson string, percentage int) hub.ProgressEntry {
	return hub.ProgressEntry{CourseID: course, LessonID: lesson, ProgressPercentage: percentage}
}

func events(t testing.TB, api *apitest.API, typ string) (n int) {
	t.Helper()
	if err := api.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, typ).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProgressCountsLessonsAndLabsAlike(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	course := newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	if ps, err := c.Progress(t.Context()); err != nil || len(ps) != 0 {
		t.Errorf("before: %+v, %v", ps, err)
	}
	merged, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{
		entry("one", "counting", 40), entry(course.ID, "counting", 100), entry(strings.ToUpper(course.ID), "sorting", 50), entry("one", "counting", 10),
	})
	if err != nil || len(merged) != 2 {
		t.Fatalf("got %+v, %v", merged, err)
	}
	if m := merged[0]; m.CourseID != course.ID || m.LessonID != "counting" || m.ProgressPercentage != 100 || m.CompletedAt == nil {
		t.Errorf("first: %+v", m)
	}
	if m := merged[1]; m.LessonID != "sorting" || m.ProgressPercentage != 50 || m.CompletedAt != nil {
		t.Errorf("second: %+v", m)
	}
	ps, err := c.Progress(t.Context())
	if err != nil || len(ps) != 1 {
		t.Fatalf("got %+v, %v", ps, err)
	}
	no := false
	p := ps[0]
	if p.Course != "one" || p.Percentage != (100+50+0)/3 || p.LessonsDone != 1 || p.LabsDone != 0 || p.CompletedAt != nil {
		t.Errorf("got %+v", p)
	}
	if diff := cmp.Diff(hub.LessonProgress{LessonID: "counting", Title: "Counting", Percentage: 100, CompletedAt: merged[0].CompletedAt, QuizPassed: &no}, p.Lessons[0]); diff != "" {
		t.Error(diff)
	}
	if p.Lessons[1].QuizPassed != nil {
		t.Error("a lesson without a quiz has one passed or not")
	}
	finishLab(t, api, c, "one-lab")
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "sorting", 100)}); err != nil {
		t.Fatal(err)
	}
	if ps, _ = c.Progress(t.Context()); ps[0].Percentage != 100 || ps[0].LabsDone != 1 || ps[0].CompletedAt == nil || ps[0].CompletedAt.Before(ps[0].StartedAt) {
		t.Errorf("at the end: %+v", ps[0])
	}
	if n := events(t, api, "lesson.completed"); n != 2 {
		t.Errorf("%d lesson.completed events, want 2", n)
	}
	if n := events(t, api, "course.enrolled"); n != 1 {
		t.Errorf("%d course.enrolled events, want 1", n)
	}
}

type profiler interface {
	Profile(context.Context) (hub.User, error)
}

func finishLab(t testing.TB, api *apitest.API, c profiler, lab string) {
	t.Helper()
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		_, err := tx.MergeLabProgress(ctx, u.ID, lab, 100, time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrongEntriesAreNamed(t *testing.T) { //nolint:tparallel // the group has to end before what follows it
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	token := api.Token(t, c)
	t.Run("bodies", func(t *testing.T) {
		for name, tc := range map[string]struct{ body, want string }{
			"course":      {`{"entries":[{"course_id":"one","lesson_id":"counting","progress_percentage":1},{"course_id":"two","lesson_id":"counting","progress_percentage":1}]}`, "/entries/1/course_id"},
			"lesson":      {`{"entries":[{"course_id":"one","lesson_id":"absent","progress_percentage":1}]}`, "/entries/0/lesson_id"},
			"percentage":  {`{"entries":[{"course_id":"one","lesson_id":"counting","progress_percentage":101}]}`, "/entries/0/progress_percentage"},
			"negative":    {`{"entries":[{"course_id":"one","lesson_id":"counting","progress_percentage":-1}]}`, "/entries/0/progress_percentage"},
			"not at 100":  {`{"entries":[{"course_id":"one","lesson_id":"counting","progress_percentage":99,"completed_at":"2026-01-01T00:00:00Z"}]}`, "/entries/0/completed_at"},
			"one by one":  {`{"course_id":"one","lesson_id":"absent","progress_percentage":1}`, `"/lesson_id"`},
			"none":        {`{"entries":[]}`, "/entries"},
			"too many":    {`{"entries":[` + strings.TrimSuffix(strings.Repeat(`{"course_id":"one","lesson_id":"counting","progress_percentage":1},`, 501), ",") + `]}`, "/entries"},
			"unknown key": {`{"course_id":"one","lesson_id":"counting","progress_percentage":1,"user_id":"x"}`, "/user_id"},
			"a list":      {`[]`, `"invalid"`},
			"null":        {`null`, `"invalid"`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := send(t, api, http.MethodPost, "/v1/users/progress", token, tc.body)
				if got.status != 400 && got.status != 422 || !strings.Contains(got.body, tc.want) {
					t.Errorf("got %d %s, want %s", got.status, got.body, tc.want)
				}
			})
		}
	})
	if n := events(t, api, "course.enrolled"); n != 0 {
		t.Errorf("refused, and enrolled: %d", n)
	}
	_, err := api.Guest().RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 1)})
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.Guest().Progress(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestOneBareEntry(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	token := api.Token(t, api.User(t, hub.Free))
	got := send(t, api, http.MethodPost, "/v1/users/progress", token, `{"course_id":"one","lesson_id":"counting","progress_percentage":30}`)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"progress_percentage":30`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestACompletionInTheFutureIsNow(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	e := entry("one", "counting", 100)
	tomorrow, lastWeek := time.Now().Add(24*time.Hour), time.Now().Add(-7*24*time.Hour).UTC().Truncate(time.Microsecond)
	e.CompletedAt = &tomorrow
	merged, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{e})
	if err != nil || merged[0].CompletedAt.After(time.Now()) {
		t.Fatalf("got %+v, %v", merged, err)
	}
	e.CompletedAt = &lastWeek // another device, offline until now
	if merged, err = c.RecordProgress(t.Context(), []hub.ProgressEntry{e}); err != nil || !merged[0].CompletedAt.Equal(lastWeek) {
		t.Errorf("the first completion lost: %+v, %v", merged, err)
	}
	if ps, err := c.Progress(t.Context()); err != nil || ps[0].StartedAt.After(lastWeek) {
		t.Errorf("done before it began: %+v, %v", ps, err)
	}
}

// TestProgressMergesInAnyOrder holds the SQL to its promise: whatever order
// entries arrive in, however they are batched and however often they are
// repeated, the outcome is the same.
func TestProgressMergesInAnyOrder(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	start := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	n := 0
	fresh := func(rt *rapid.T) func([]hub.ProgressEntry) {
		n++
		var u hub.User
		err := api.App.DB.Pool().QueryRow(t.Context(),
			`INSERT INTO users (email, username, password_hash) VALUES ($1, $1, '') RETURNING id`, fmt.Sprintf("p%d", n)).Scan(&u.ID)
		if err != nil {
			rt.Fatal(err)
		}
		u.Role = hub.Free
		return func(entries []hub.ProgressEntry) {
			if _, err := api.App.As(u).RecordProgress(t.Context(), entries); err != nil {
				rt.Fatal(err)
			}
		}
	}
	stored := func(rt *rapid.T) map[string]hub.ProgressEntry {
		rows, err := api.App.DB.Pool().Query(t.Context(), `
			SELECT lesson_id, progress_percentage, completed_at FROM user_progress p JOIN users u ON u.id = p.user_id WHERE u.username = $1`, fmt.Sprintf("p%d", n))
		if err != nil {
			rt.Fatal(err)
		}
		defer rows.Close()
		all := map[string]hub.ProgressEntry{}
		for rows.Next() {
			var e hub.ProgressEntry
			if err := rows.Scan(&e.LessonID, &e.ProgressPercentage, &e.CompletedAt); err != nil {
				rt.Fatal(err)
			}
			all[e.LessonID] = e
		}
		if err := rows.Err(); err != nil {
			rt.Fatal(err)
		}
		return all
	}
	rapid.Check(t, func(rt *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) hub.ProgressEntry {
			e := entry("one", rapid.SampledFrom([]string{"counting", "sorting"}).Draw(rt, "lesson"), rapid.IntRange(0, 100).Draw(rt, "percentage"))
			if rapid.Bool().Draw(rt, "completed") {
				at := start.Add(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "at")) * time.Second)
				e.ProgressPercentage, e.CompletedAt = 100, &at
			} else if e.ProgressPercentage == 100 {
				e.ProgressPercentage = 99 // completed now would differ from run to run
			}
			return e
		}), 1, 12).Draw(rt, "entries")

		fresh(rt)(entries)
		want := stored(rt)

		record := fresh(rt)
		again := append(append([]hub.ProgressEntry{}, entries...), rapid.SliceOfN(rapid.SampledFrom(entries), 0, 6).Draw(rt, "repeats")...)
		again = rapid.Permutation(again).Draw(rt, "order")
		for len(again) > 0 {
			k := rapid.IntRange(1, len(again)).Draw(rt, "batch")
			record(again[:k])
			again = again[k:]
		}
		if diff := cmp.Diff(want, stored(rt)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestDevicesThatReportAtOnceCompleteALessonOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "one")
	a.publish(t, "two")
	c := api.User(t, hub.Free)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			entries := []hub.ProgressEntry{entry("one", "counting", 100), entry("two", "counting", 100), entry("one", "sorting", 5*i)}
			if i%2 == 0 {
				entries[0], entries[1] = entries[1], entries[0]
			}
			if _, err := c.RecordProgress(t.Context(), entries); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := events(t, api, "lesson.completed"); n != 2 {
		t.Errorf("%d lesson.completed events, want 2", n)
	}
	if n := events(t, api, "course.enrolled"); n != 2 {
		t.Errorf("%d course.enrolled events, want 2", n)
	}
	ps, err := c.Progress(t.Context())
	if err != nil || len(ps) != 2 {
		t.Fatalf("got %+v, %v", ps, err)
	}
	for _, p := range ps {
		if p.Course == "one" && p.Lessons[1].Percentage != 75 {
			t.Errorf("the highest percentage lost: %+v", p)
		}
	}
}

func TestNextLeadsThroughACourse(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "one", titled("First"))
	a.publish(t, "two", titled("Second"), func(c *hub.Course) { c.Level = "advanced" })
	a.publish(t, "paid", titled("A premium one"), premium)
	c := api.User(t, hub.Free)
	commands := func() []string {
		steps, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, s := range steps {
			if s.Reason == "" || s.Title == "" {
				t.Errorf("without words: %+v", s)
			}
			got = append(got, s.Command)
		}
		return got
	}
	is := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, commands()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is("at first", "cmh course enroll one")
	do(c.Enroll(t.Context(), "one"))
	is("enrolled", "cmh lesson view one counting", "cmh quiz take one counting", "cmh course enroll two")
	do(c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 100)}))
	is("read", "cmh quiz take one counting", "cmh lesson view one sorting", "cmh course enroll two")
	do(c.TakeQuiz(t.Context(), "one", "counting", hub.QuizAnswers{Answers: map[string][]string{"tool": {"a"}, "port": {"443"}}}))
	is("quiz passed", "cmh lesson view one sorting", "cmh course enroll two")
	do(c.Enroll(t.Context(), "two"))
	is("in two", "cmh lesson view two counting", "cmh quiz take two counting", "cmh lesson view one sorting")
	steps, err := api.Guest().Next(t.Context())
	if err != nil || len(steps) != 1 || steps[0].Command != "cmh course view one" {
		t.Errorf("a guest: %+v, %v", steps, err)
	}
}
