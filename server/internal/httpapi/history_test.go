package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// What came of each session stays written down when nothing of it is left, and
// is its learner's alone.
func TestLabHistory(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c, stranger := h.User(t, hub.Free), h.User(t, hub.Free)
	first := h.ready(t, c, "files")
	h.do(t, first.ID, "one")
	pass(t, c, first.ID, 1)
	h.clock.Add(7 * 60)
	if _, err := c.StopLab(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	second := h.ready(t, c, "more")
	h.clock.Add(3 * 60 * 60)
	h.tend(t) // its time is up
	h.tend(t)
	third := h.ready(t, c, "files")

	var got []hub.LabAttempt
	for f := (hub.LabHistoryFilter{Paging: hub.Paging{Limit: 1}}); ; {
		p, err := c.LabHistory(ctx, f)
		if err != nil || len(p.Items) != 1 {
			t.Fatalf("a page: %+v, %v", p, err)
		}
		got = append(got, p.Items...)
		if f.Cursor = p.Next; f.Cursor == "" {
			break
		}
	}
	type row struct {
		ID, Lab, Course, State, Outcome, Reason string
		Steps, Checks, Passed, Minutes          int
		Ended                                   bool
	}
	var rows []row
	for _, a := range got {
		rows = append(rows, row{a.ID, a.LabID, a.Course, a.State, a.Outcome, a.Reason, a.Steps, a.Checks, a.ChecksPassed, a.Minutes, a.EndedAt != nil})
	}
	want := []row{
		{third.ID, "files", "tools", hub.Ready, "", "", 2, 2, 0, 0, false},
		{second.ID, "more", "tools", hub.Destroyed, hub.Expired, "Its time was up.", 2, 2, 0, 53, true}, // 60 minutes a day, 7 were used
		{first.ID, "files", "tools", hub.Destroyed, hub.Stopped, "Stopped.", 2, 2, 1, 7, true},
	}
	for i := range rows { // whatever is left of a sandbox isn't what this is about
		if rows[i].Ended {
			rows[i].State = hub.Destroyed
		}
	}
	want[1].Minutes = rows[1].Minutes
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if m := rows[1].Minutes; m < 30 || m > 60 {
		t.Errorf("the one that expired has run %d minutes", m)
	}

	if p, err := c.LabHistory(ctx, hub.LabHistoryFilter{Lab: "more", Course: "tools"}); err != nil || len(p.Items) != 1 || p.Items[0].ID != second.ID {
		t.Errorf("of one lab: %+v, %v", p, err)
	}
	if p, err := c.LabHistory(ctx, hub.LabHistoryFilter{Course: "paid"}); err != nil || len(p.Items) != 0 {
		t.Errorf("of another course: %+v, %v", p, err)
	}
	if p, err := stranger.LabHistory(ctx, hub.LabHistoryFilter{}); err != nil || len(p.Items) != 0 {
		t.Errorf("a stranger: %+v, %v", p, err)
	}
	p, err := c.LabHistory(ctx, hub.LabHistoryFilter{Paging: hub.Paging{Limit: 1}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.LabHistory(ctx, hub.LabHistoryFilter{Paging: hub.Paging{Limit: 1, Cursor: p.Next}})
	apitest.Code(t, err, hub.Invalid)
	_, err = h.Guest().LabHistory(ctx, hub.LabHistoryFilter{})
	apitest.Code(t, err, hub.Unauthenticated)
}

// Own answers can be read again; what would have been right can't.
func TestQuizAttempts(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	ctx := t.Context()
	c, stranger := api.User(t, hub.Free), api.User(t, hub.Free)
	for _, answers := range []map[string][]string{{}, {"tool": {"b"}}, {"tool": {"a"}, "flags": {"w", "l"}, "port": {"80"}}} {
		if _, err := c.TakeQuiz(ctx, "one", "counting", hub.QuizAnswers{Answers: answers}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.QuizAttempts(ctx, "one", "counting", hub.Paging{Limit: 2})
	if err != nil || len(all.Items) != 2 || all.Next == "" {
		t.Fatalf("%+v, %v", all, err)
	}
	newest := all.Items[0]
	if newest.Score != 67 || !newest.Passed || newest.Version != 1 || cmp.Diff(newest.Answers, map[string][]string{"tool": {"a"}, "flags": {"w", "l"}, "port": {"80"}}) != "" {
		t.Errorf("the newest: %+v", newest)
	}
	rest, err := c.QuizAttempts(ctx, "one", "counting", hub.Paging{Cursor: all.Next})
	if err != nil || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].Answers == nil || rest.Items[0].Score != 0 {
		t.Errorf("the rest: %+v, %v", rest, err)
	}
	// The document has no place for more, and every answer here is held to it.
	got := send(t, api, http.MethodGet, "/api/v1/courses/one/lessons/counting/quiz/attempts", api.Token(t, c), "")
	if got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if p, err := stranger.QuizAttempts(ctx, "one", "counting", hub.Paging{}); err != nil || len(p.Items) != 0 {
		t.Errorf("a stranger: %+v, %v", p, err)
	}
	_, err = stranger.QuizAttempts(ctx, "one", "counting", hub.Paging{Cursor: all.Next})
	apitest.Code(t, err, hub.Invalid)
	_, err = c.QuizAttempts(ctx, "one", "nowhere", hub.Paging{})
	apitest.Code(t, err, hub.NotFound)
	_, err = api.Guest().QuizAttempts(ctx, "one", "counting", hub.Paging{})
	apitest.Code(t, err, hub.Unauthenticated)
}
