package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func TestQuizIsMarkedByTheServer(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	take := func(answers map[string][]string) hub.QuizResult {
		t.Helper()
		r, err := c.TakeQuiz(t.Context(), "one", "counting", hub.QuizAnswers{Answers: answers})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	passed := func() bool {
		t.Helper()
		ps, err := c.Progress(t.Context())
		if err != nil || len(ps) != 1 {
			t.Fatalf("a quiz enrolls: %+v, %v", ps, err)
		}
		return *ps[0].Lessons[0].QuizPassed
	}
	r := take(map[string][]string{"tool": {"b"}, "flags": {"l"}})
	if r.Score != 0 || r.Passed || r.Questions[0].Correct || r.Questions[0].Explanation != "It is short for word count." || passed() {
		t.Errorf("all wrong: %+v", r)
	}
	r = take(map[string][]string{"tool": {"a"}, "flags": {"w", "l"}, "port": {"80"}})
	if r.Score != 67 || !r.Passed || r.Questions[2].Correct || !passed() {
		t.Errorf("two of three: %+v", r)
	}
	if r = take(map[string][]string{}); r.Passed || !passed() {
		t.Errorf("passed once is passed: %+v", r)
	}
	// Handing in an empty sheet used to bring all explanations, and with them
	// the answers.
	for _, q := range append(r.Questions, take(map[string][]string{"tool": {}}).Questions...) {
		if q.Explanation != "" {
			t.Errorf("explained without an answer: %+v", q)
		}
	}
	ps, _ := c.Progress(t.Context())
	if ps[0].LessonsDone != 0 {
		t.Error("a quiz marked the lesson as done")
	}
	_, err := c.TakeQuiz(t.Context(), "one", "sorting", hub.QuizAnswers{Answers: map[string][]string{}})
	apitest.Code(t, err, hub.NotFound)
	_, err = api.Guest().TakeQuiz(t.Context(), "one", "counting", hub.QuizAnswers{Answers: map[string][]string{}})
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestAnswersThatDontFit(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	token := api.Token(t, api.User(t, hub.Free))
	for name, tc := range map[string]struct{ body, want string }{
		"question": {`{"answers":{"a/b":["a"]}}`, "/answers/a~1b"},
		"choice":   {`{"answers":{"tool":["z"]}}`, "/answers/tool/0"},
		"two":      {`{"answers":{"tool":["a","b"]}}`, "/answers/tool"},
		"long":     {`{"answers":{"port":["` + strings.Repeat("x", 1001) + `"]}}`, "/answers/port/0"},
		"score":    {`{"answers":{},"score":100}`, "/score"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, api, http.MethodPost, "/v1/courses/one/lessons/counting/quiz", token, tc.body)
			if got.status != 400 && got.status != 422 || !strings.Contains(got.body, tc.want) {
				t.Errorf("got %d %s, want %s", got.status, got.body, tc.want)
			}
		})
	}
}
