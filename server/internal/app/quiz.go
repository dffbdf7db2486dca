package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const maxTyped = 1000 // bytes of a typed answer

// TakeQuiz marks the caller's answers to the quiz of a lesson and keeps the
// attempt. It may be taken any number of times; passed once is passed. It
// enrolls in the course, but a lesson is done when its reader says so, with
// RecordProgress: a quiz neither does that nor is needed for it.
func (a Actor) TakeQuiz(ctx context.Context, course, lesson string, answers hub.QuizAnswers) (hub.QuizResult, error) {
	var result hub.QuizResult
	if err := a.signedIn(); err != nil {
		return result, err
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		result, err = a.takeQuizIn(ctx, tx, course, lesson, answers, a.app.now())
		return err
	})
	a.app.known.forgetTakes(a.user.ID)
	return result, err
}

// takeQuizIn is TakeQuiz for answers that were given at a time.
func (a Actor) takeQuizIn(ctx context.Context, tx postgres.Tx, course, lesson string, answers hub.QuizAnswers, at time.Time) (result hub.QuizResult, err error) {
	c, err := a.courseIn(ctx, tx, course)
	if err != nil {
		return result, err
	}
	l, err := lessonOf(c.Course, lesson)
	if err != nil {
		return result, err
	}
	if !a.mayRead(c.Free) {
		return result, a.refuseReading(c.Title)
	}
	if l.Quiz == nil {
		return result, hub.Errorf(hub.NotFound, "The lesson %q has no quiz.", l.Title)
	}
	if err := fitting(*l.Quiz, answers); err != nil {
		return result, err
	}
	if result, err = mark(*l.Quiz, l.ID, c.Answers, answers); err != nil {
		return result, err
	}
	if !c.Enrolled {
		if err := a.enrolledIn(ctx, tx, c.ID); err != nil {
			return result, err
		}
	}
	if err := tx.AddQuizAttempt(ctx, a.user.ID, postgres.LessonKey{CourseID: c.ID, LessonID: l.ID}, c.Version, answers, result, at); err != nil {
		return result, err
	}
	err = tx.Event(ctx, a.user.ID, "quiz.taken", map[string]any{
		"course_id": c.ID, "course": c.Slug, "lesson_id": l.ID, "score": result.Score, "passed": result.Passed,
	})
	if err != nil || !result.Passed {
		return result, err
	}
	return result, a.app.honour(ctx, tx, a.user.ID)
}

// fitting refuses answers to what wasn't asked. An answer left out is only
// wrong.
func fitting(q hub.Quiz, answers hub.QuizAnswers) error {
	var wrong []hub.FieldError
	for id, given := range answers.Answers {
		at := "/answers/" + pointer(id)
		i := slices.IndexFunc(q.Questions, func(question hub.Question) bool { return question.ID == id })
		if i < 0 {
			wrong = append(wrong, hub.FieldError{Pointer: at, Detail: "The quiz has no such question."})
			continue
		}
		question := q.Questions[i]
		switch {
		case question.Kind != hub.Multiple && len(given) > 1:
			wrong = append(wrong, hub.FieldError{Pointer: at, Detail: "This question takes one answer."})
		case question.Kind == hub.Text:
			for _, typed := range given {
				if len(typed) > maxTyped || !utf8.ValidString(typed) || strings.Contains(typed, "\x00") {
					wrong = append(wrong, hub.Field(at+"/0", "An answer is a text of at most %d bytes.", maxTyped))
				}
			}
		default:
			for n, choice := range given {
				if !slices.ContainsFunc(question.Choices, func(c hub.Choice) bool { return c.ID == choice }) {
					wrong = append(wrong, hub.FieldError{Pointer: fmt.Sprintf("%s/%d", at, n), Detail: "The question has no such choice."})
				}
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.SortFunc(wrong, func(a, b hub.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	e := hub.New(hub.Invalid, "Some answers don't fit the questions: %s", wrong[0])
	e.Fields = wrong[:min(len(wrong), 20)]
	return e
}

// mark compares answers with the stored ones. The score is rounded, so that
// two of three are 67 percent.
func mark(q hub.Quiz, lesson string, stored json.RawMessage, answers hub.QuizAnswers) (hub.QuizResult, error) {
	var all map[string]map[string]courses.Answer
	if err := json.Unmarshal(stored, &all); err != nil {
		return hub.QuizResult{}, fmt.Errorf("answers of a quiz: %w", err)
	}
	r, right := hub.QuizResult{Questions: make([]hub.QuestionResult, 0, len(q.Questions))}, 0
	for _, question := range q.Questions {
		answer, given := all[lesson][question.ID], answers.Answers[question.ID]
		q := hub.QuestionResult{ID: question.ID, Correct: answer.Mark(question.Kind, given)}
		if q.Correct {
			right++
		}
		if len(given) > 0 { // it all but names the answer: for who has tried
			q.Explanation = answer.Explanation
		}
		r.Questions = append(r.Questions, q)
	}
	if n := len(q.Questions); n > 0 {
		r.Score = (right*200 + n) / (2 * n)
	}
	r.Passed = r.Score >= q.Pass
	return r, nil
}

// enrolledIn enrolls the caller in the newest version of a course as a side
// effect of learning in it.
func (a Actor) enrolledIn(ctx context.Context, tx postgres.Tx, courseID string) error {
	_, fresh, err := tx.EnrollOutlines(ctx, a.user.ID, []string{courseID}, a.app.now())
	if err != nil {
		return err
	}
	return a.announce(ctx, tx, fresh)
}

func (a Actor) announce(ctx context.Context, tx postgres.Tx, fresh []hub.Enrollment) error {
	for _, e := range fresh {
		e.CreatedAt = e.CreatedAt.UTC()
		if err := tx.Event(ctx, a.user.ID, "course.enrolled", e); err != nil {
			return err
		}
	}
	return nil
}

// pointer escapes a key for a JSON pointer (RFC 6901).
func pointer(key string) string {
	if len(key) > 100 {
		key = strings.ToValidUTF8(key[:100], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
