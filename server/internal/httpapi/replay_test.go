package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

func happened(kind, course, lesson string, at time.Time) hub.LearningEvent {
	return hub.LearningEvent{ID: hub.NewEventID(), Kind: kind, CourseID: course, LessonID: lesson, OccurredAt: at}
}

func statuses(results []hub.EventResult) string {
	var all []string
	for _, r := range results {
		all = append(all, r.Status)
	}
	return strings.Join(all, " ")
}

// A day on the train: what was done is done once, whoever else was told of it
// and however often it is told; and when it happened is when it counts from.
func TestOfflineWorkIsReplayedOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.Now = func() time.Time { return time.Now().Add(48 * time.Hour) } })
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	yesterday := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	read, done, quiz := happened(hub.LessonRead, "one", "sorting", yesterday), happened(hub.LessonDone, "one", "counting", yesterday), happened(hub.QuizTaken, "one", "counting", yesterday)
	read.ProgressPercentage = 60
	quiz.Answers = map[string][]string{"tool": {"a"}, "flags": {"w", "l"}}
	// Another device has read on meanwhile.
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "sorting", 80)}); err != nil {
		t.Fatal(err)
	}
	all := []hub.LearningEvent{read, done, quiz}
	first, err := c.Replay(t.Context(), all)
	if err != nil || statuses(first) != "applied applied applied" {
		t.Fatalf("got %+v, %v", first, err)
	}
	if p := first[0].Progress; p == nil || p.ProgressPercentage != 80 {
		t.Errorf("the furthest position wins: %+v", p)
	}
	if p := first[1].Progress; p == nil || p.CompletedAt == nil || !p.CompletedAt.Equal(yesterday) {
		t.Errorf("done when it was: %+v", p)
	}
	if q := first[2].Quiz; q == nil || !q.Passed || q.Score != 67 {
		t.Errorf("marked: %+v", q)
	}
	// The answer was lost, and several devices tell at once.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			again, err := c.Replay(t.Context(), all)
			if err != nil || statuses(again) != "duplicate duplicate duplicate" || again[2].Quiz == nil || again[2].Quiz.Score != 67 || again[0].Progress.ProgressPercentage != 80 {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
	wg.Wait()
	for typ, want := range map[string]int{"lesson.completed": 1, "quiz.taken": 1, "course.enrolled": 1} {
		if n := events(t, api, typ); n != want {
			t.Errorf("%d %s events, want %d", n, typ, want)
		}
	}
	// Its id is another's as well, but the same learner can't give it to something else.
	other := api.User(t, hub.Free)
	if r, err := other.Replay(t.Context(), []hub.LearningEvent{done}); err != nil || statuses(r) != "applied" {
		t.Errorf("somebody else's id: %+v, %v", r, err)
	}
	done.LessonID = "sorting"
	if r, err := c.Replay(t.Context(), []hub.LearningEvent{done}); err != nil || statuses(r) != "refused" || r[0].Problem.Code != hub.Conflict {
		t.Errorf("another event of the same id: %+v, %v", r, err)
	}
	// What became of it is forgotten; that a quiz was taken is not.
	err = api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		return tx.ForgetOutcomes(ctx, api.App.Now().Add(time.Hour))
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Replay(t.Context(), []hub.LearningEvent{quiz}); err != nil || statuses(r) != "duplicate" || r[0].Quiz != nil {
		t.Errorf("much later: %+v, %v", r, err)
	}
	// Nor does what only merges happen twice, though nobody knows it any more.
	done.LessonID = "counting"
	if r, err := c.Replay(t.Context(), []hub.LearningEvent{done}); err != nil || statuses(r) == "refused" {
		t.Errorf("progress, much later: %+v, %v", r, err)
	}
	if n := events(t, api, "lesson.completed"); n != 2 { // theirs, and the other's
		t.Errorf("%d lesson.completed events, want 2", n)
	}
}

// Many tell of one new event at the same time: one of them makes it happen.
func TestOneEventOfManyTellersHappensOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	quiz := happened(hub.QuizTaken, "one", "counting", time.Now())
	quiz.Answers = map[string][]string{"tool": {"a"}}
	var (
		mu      sync.Mutex
		applied int
		wg      sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			r, err := c.Replay(t.Context(), []hub.LearningEvent{quiz})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if r[0].Status == hub.EventApplied {
				applied++
			}
		})
	}
	wg.Wait()
	if n := events(t, api, "quiz.taken"); n != 1 || applied != 1 {
		t.Errorf("applied %d times, %d events", applied, n)
	}
}

// A learner who was premium when they went offline and isn't any more keeps
// what is free; the rest is refused by itself, and may be told again when they
// have it back.
func TestReplayAsksWhatOneMayDoNow(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "open")
	a.publish(t, "paid", premium)
	c := api.User(t, hub.Free)
	paid := happened(hub.LessonDone, "paid", "counting", time.Now())
	sheet := happened(hub.QuizTaken, "paid", "counting", time.Now())
	sheet.Answers = map[string][]string{"tool": {"a"}}
	unfit := happened(hub.QuizTaken, "open", "counting", time.Now())
	unfit.Answers = map[string][]string{"nobody-asked": {"a"}}
	batch := []hub.LearningEvent{
		paid, sheet, happened(hub.LessonDone, "open", "counting", time.Now()), unfit,
		happened(hub.LessonDone, "gone", "counting", time.Now()), happened(hub.LessonDone, "open", "gone", time.Now()),
	}
	r, err := c.Replay(t.Context(), batch)
	if err != nil || statuses(r) != "refused refused applied refused refused refused" {
		t.Fatalf("got %+v, %v", r, err)
	}
	for i, want := range map[int]hub.Code{0: hub.Forbidden, 1: hub.Forbidden, 3: hub.Invalid, 4: hub.NotFound, 5: hub.NotFound} {
		if p := r[i].Problem; p == nil || p.Code != want || p.Detail == "" {
			t.Errorf("%d: %+v, want %s", i, p, want)
		}
	}
	if ps, err := c.Progress(t.Context()); err != nil || len(ps) != 1 || ps[0].Course != "open" {
		t.Errorf("enrolled in %+v, %v", ps, err)
	}
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error { return tx.SetRole(ctx, u.ID, hub.Premium) })
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute) // every server hears of it
	for {
		if r, err = c.Replay(t.Context(), []hub.LearningEvent{paid}); err != nil || statuses(r) == "applied" || time.Now().After(deadline) {
			break
		}
	}
	if err != nil || statuses(r) != "applied" {
		t.Errorf("premium again: %+v, %v", r, err)
	}
}

// Clocks go wrong.
func TestReplayBelievesNoImpossibleTime(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Replay(t.Context(), []hub.LearningEvent{
		happened(hub.LessonDone, "one", "counting", time.Unix(0, 0).UTC()), happened(hub.LessonDone, "one", "sorting", time.Now().AddDate(10, 0, 0)),
	})
	if err != nil || statuses(r) != "applied applied" {
		t.Fatalf("got %+v, %v", r, err)
	}
	if at := r[0].Progress.CompletedAt; !at.Equal(u.CreatedAt) {
		t.Errorf("done at %v, before there was anybody", at)
	}
	if at := r[1].Progress.CompletedAt; at.After(time.Now()) {
		t.Errorf("done at %v, which is to come", at)
	}
}

func TestWrongBatchesAreNamed(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Free))
	event := func(change string) string {
		fields := map[string]string{"id": `"0198f0a2-6d5e-7c11-9a3e-2f1d8b7c6a50"`, "kind": `"lesson.done"`, "course_id": `"one"`, "lesson_id": `"counting"`, "occurred_at": `"2026-03-01T10:00:00Z"`}
		name, value, _ := strings.Cut(change, "=")
		fields[name] = value
		var all []string
		for name, value := range fields {
			if value != "" {
				all = append(all, fmt.Sprintf("%q:%s", name, value))
			}
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	for name, tc := range map[string]struct{ events, want string }{
		"id":         {event(`id="x"`), "/events/0/id"},
		"kind":       {event(`kind="lab.passed"`), "/events/0/kind"},
		"percentage": {event(`progress_percentage=101`), "/events/0/progress_percentage"},
		"of what":    {event(`progress_percentage=1`), "/events/0/progress_percentage"},
		"answers":    {event(`answers={}`), "/events/0/answers"},
		"time":       {event(`occurred_at="noon"`), "does not fit"},
		"unknown":    {event(`user_id="x"`), "/events/0/user_id"},
		"none":       {``, "/events"},
		"too many":   {strings.TrimSuffix(strings.Repeat(event("")+",", 101), ","), "/events"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, api, http.MethodPost, "/v1/users/progress/batch", token, `{"events":[`+tc.events+`]}`)
			if got.status != 400 && got.status != 422 || !strings.Contains(got.body, tc.want) {
				t.Errorf("got %d %s, want %s", got.status, got.body, tc.want)
			}
		})
	}
	_, err := api.Guest().Replay(t.Context(), []hub.LearningEvent{happened(hub.LessonDone, "one", "counting", time.Now())})
	apitest.Code(t, err, hub.Unauthenticated)
}
