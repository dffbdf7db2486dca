package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func fileCheck(file string) scenario.Check {
	return scenario.Check{Name: file, Script: scenario.Script{Source: []byte("[ -f " + file + " ]\n")}, Expected: "a file " + file, Observed: "echo none"}
}

// publish makes a lab of one learner's, ready to be worked on.
func (h labHub) publish(t *testing.T, sc *scenario.Scenario) (*client.Client, hub.LabSession) {
	t.Helper()
	sc.Slug, sc.Needs = "special", []string{"linux"}
	newAuthor(t, h.API, hub.Instructor).publishLabs(t, "extra", true, sc)
	c := h.User(t, hub.Free)
	return c, h.ready(t, c, "special")
}

func TestEachCheckOfAStepAnswers(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c, s := h.publish(t, &scenario.Scenario{Steps: []scenario.Step{{Page: scenario.Page{Title: "Two files"}, Checks: []scenario.Check{fileCheck("one"), fileCheck("two")}}}})
	h.do(t, s.ID, "one")
	res, err := c.CheckLab(t.Context(), s.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []hub.CheckOutcome{
		{Name: "one", State: hub.StepPassed, Expected: "a file one"},
		{Name: "two", State: hub.StepFailed, Expected: "a file two", Observed: "none", Message: "Not done yet."},
	}
	if diff := cmp.Diff(want, res.Checks); diff != "" || res.State != hub.StepFailed {
		t.Errorf("%s: %s", res.State, diff)
	}
	if s, err = c.LabSession(t.Context(), s.ID); err != nil || cmp.Diff(want, s.Steps[0].Checks) != "" {
		t.Errorf("the session does not remember: %+v, %v", s.Steps, err)
	}
	h.do(t, s.ID, "two")
	if res, err = c.CheckLab(t.Context(), s.ID, 0); err != nil || res.State != hub.StepPassed || *res.Steps[0].Score != 100 {
		t.Errorf("%+v, %v", res, err)
	}
}

// Hints wait for their conditions, and cost what they say.
func TestHintsHaveConditionsAndAPrice(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c, s := h.publish(t, &scenario.Scenario{Steps: []scenario.Step{{
		Checks: []scenario.Check{fileCheck("one"), fileCheck("two")},
		Hints: []scenario.Hint{
			{Text: "first", Cost: 10}, {Text: "second", After: 2, Cost: 20}, {Text: "late", Wait: 300}, {Text: "about two", When: "two", Cost: 5},
		},
		Solution: "Touch them.", SolutionCost: 40,
	}}})
	ctx := t.Context()
	want := func(text string, cost int) {
		t.Helper()
		if hint, err := c.LabHint(ctx, s.ID, 0); err != nil || hint.Text != text || hint.Cost != cost || hint.Of != 4 {
			t.Errorf("%+v, %v, want %q", hint, err, text)
		}
	}
	want("first", 10)
	_, err := c.LabHint(ctx, s.ID, 0)
	apitest.Code(t, err, hub.Conflict)
	if err == nil || !strings.Contains(err.Error(), "after 2 failed checks, so far: 0") {
		t.Errorf("%v", err)
	}
	h.do(t, s.ID, "one")
	check := func() hub.CheckResult {
		t.Helper()
		res, err := c.CheckLab(ctx, s.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	check()
	want("about two", 5) // the second one still waits
	check()
	want("second", 20)
	_, err = c.LabHint(ctx, s.ID, 0)
	apitest.Code(t, err, hub.Conflict)
	h.clock.Add(301)
	want("late", 0)
	want("about two", 0) // again, for nothing
	if _, err := c.LabSolution(ctx, s.ID, 0); err != nil {
		t.Error(err)
	}
	h.do(t, s.ID, "two")
	res := check()
	if st := res.Steps[0]; st.Score == nil || *st.Score != 100-10-5-20-40 {
		t.Errorf("%+v", st)
	}
	if s, err = c.LabSession(ctx, s.ID); err != nil || s.Steps[0].HintsTaken != 4 || !s.Steps[0].SolutionSeen {
		t.Errorf("%+v, %v", s.Steps, err)
	}
}

func quizLab() *scenario.Scenario {
	return &scenario.Scenario{
		Intro: scenario.Page{Quiz: []scenario.Question{{Kind: "text", Prompt: "Which file?", Answer: "/etc/Secret-fstab"}}},
		Steps: []scenario.Step{
			{Page: scenario.Page{Title: "Quiz", Text: "Think.", Quiz: []scenario.Question{
				{Kind: "single", Prompt: "One?", Choices: []scenario.Choice{{Text: "no"}, {Text: "yes", Right: true}}},
				{Kind: "multiple", Prompt: "All?", Choices: []scenario.Choice{{Text: "x", Right: true}, {Text: "y"}, {Text: "z", Right: true}}},
				{Kind: "text", Prompt: "Contains?", Answer: "secret-part", Contain: true},
			}}},
			{Page: scenario.Page{Title: "Work"}, Checks: []scenario.Check{fileCheck("one")}},
		},
		Finish: scenario.Page{Quiz: []scenario.Question{{Kind: "text", Prompt: "Done?", Answer: "yes"}}},
	}
}

func TestQuestionsLockTheWay(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c, s := h.publish(t, quizLab())
	ctx := t.Context()
	lab, err := c.Lab(ctx, "special")
	if err != nil || len(lab.Steps[0].Questions) != 4 || len(lab.Steps[1].Questions) != 1 {
		t.Fatalf("%+v, %v", lab.Steps, err)
	}
	doc, _ := json.Marshal(lab)
	if strings.Contains(strings.ToLower(string(doc)), "secret") || strings.Contains(string(doc), "right") {
		t.Errorf("answers leak: %s", doc)
	}
	answer := func(step, question int, right bool, open int, says string, given ...string) {
		t.Helper()
		r, err := c.AnswerLab(ctx, s.ID, hub.LabAnswer{Step: step, Question: question, Answer: given})
		if err != nil || r.Right != right || r.Open != open || !strings.Contains(r.Message, says) {
			t.Errorf("%d/%d %q: %+v, %v", step, question, given, r, err)
		}
	}
	_, err = c.NextLabStep(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.AnswerLab(ctx, s.ID, hub.LabAnswer{Step: 2, Answer: []string{"a"}})
	apitest.Code(t, err, hub.Conflict)
	for _, bad := range []hub.LabAnswer{{Question: 5, Answer: []string{"a"}}, {}, {Question: 2, Answer: []string{"q"}}, {Question: 2, Answer: []string{"a", "b"}}} {
		_, err = c.AnswerLab(ctx, s.ID, bad)
		apitest.Code(t, err, hub.Invalid)
	}
	answer(0, 0, false, 4, "upper and lower case", "/etc/secret-FSTAB")
	answer(0, 0, true, 3, "", " /etc/Secret-fstab ")
	answer(1, 2, false, 3, "", "a")
	answer(1, 2, true, 2, "", "b")
	answer(1, 3, false, 2, "", "a")
	answer(1, 3, false, 2, "", "a", "b", "c")
	answer(1, 3, true, 1, "", "z", "x")
	_, err = c.NextLabStep(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	answer(1, 0, true, 0, "", "the secret-part of it")
	if p := labProgress(t, c, "special"); p.Percentage != 50 {
		t.Errorf("%+v", p)
	}
	if s, err = c.NextLabStep(ctx, s.ID); err != nil || s.Step != 2 || s.Steps[0].State != hub.StepPassed || s.Steps[0].Answered != 4 {
		t.Fatalf("%+v, %v", s, err)
	}
	h.do(t, s.ID, "one")
	if res, err := c.CheckLab(ctx, s.ID, 0); err != nil || res.State != hub.StepPassed || res.Open != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	_, err = c.SubmitLab(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	answer(2, 1, true, 0, "", "yes")
	if s, err = c.SubmitLab(ctx, s.ID); err != nil || s.State != hub.Submitted {
		t.Errorf("%+v, %v", s, err)
	}
	if p := labProgress(t, c, "special"); p.Percentage != 100 {
		t.Errorf("%+v", p)
	}
}

// A challenge is checked by itself while its learner looks, and moves on.
func TestChallengeChecksItself(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	step := func(file string) scenario.Step {
		return scenario.Step{
			Page: scenario.Page{Title: file}, Verify: &scenario.Script{Source: []byte("[ -f " + file + " ]\n")},
			HintScript: &scenario.Script{Source: []byte("[ $1 -lt 60 ] || echo \"touch " + file + "\"\n")},
		}
	}
	c, s := h.publish(t, &scenario.Scenario{Challenge: true, Steps: []scenario.Step{step("one"), step("two")}})
	ctx := t.Context()
	poll := func() hub.LabSession {
		t.Helper()
		h.clock.Add(60)
		if _, err := c.LabSession(ctx, s.ID); err != nil { // looks
			t.Fatal(err)
		}
		if err := h.App.PollLabs(ctx); err != nil {
			t.Fatal(err)
		}
		s, err := c.LabSession(ctx, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := poll(); stepStates(s.Steps) != "1:pending/0 2:pending/0" {
		t.Errorf("polls count as tries: %s", stepStates(s.Steps))
	}
	if hint, err := c.LabHint(ctx, s.ID, 0); err != nil || !strings.Contains(hint.Text, "touch one") {
		t.Errorf("%+v, %v", hint, err)
	}
	h.do(t, s.ID, "one")
	if s := poll(); s.Step != 2 || s.Steps[0].State != hub.StepPassed {
		t.Errorf("%+v", s)
	}
	h.do(t, s.ID, "two")
	h.clock.Add(60) // nobody looks any more
	if err := h.App.PollLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err := c.LabSessions(ctx); err != nil || s[0].Steps[1].State != hub.StepPending {
		t.Errorf("checked though nobody is there: %+v, %v", s, err)
	}
	if s := poll(); s.Steps[1].State != hub.StepPassed {
		t.Errorf("%+v", s)
	}
}
