package app

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// maxAnswer bounds one answer, in characters.
const maxAnswer = 1000

// AnswerLab answers one question of an open step. A step is not left before its
// questions are answered; how often somebody tries is kept.
func (a Actor) AnswerLab(ctx context.Context, ref string, given hub.LabAnswer) (res hub.AnswerResult, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return res, err
	}
	n, err := stepOf(r, given.Step)
	if err != nil {
		return res, err
	}
	if n > r.Step {
		return res, hub.Errorf(hub.Conflict, "Step %d is not open yet. You are at step %d.", n, r.Step)
	}
	sc, _, err := a.app.scenario(ctx, r)
	if err != nil {
		return res, err
	}
	questions := sc.Questions(n)
	if len(questions) == 0 {
		return res, hub.Errorf(hub.Conflict, "Step %d asks nothing.", n)
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if r, err = tx.LockLabRun(ctx, r.ID); err != nil {
			return err
		}
		if err := a.app.stillRuns(r); err != nil {
			return err
		}
		done, err := tx.RightAnswers(ctx, r.ID, n)
		if err != nil {
			return err
		}
		q, err := questionOf(given.Question, len(questions), done)
		if err != nil {
			return err
		}
		res = hub.AnswerResult{SessionID: r.ID, Step: n, Question: q}
		if res.Right, res.Message, err = marked(questions[q-1], given.Answer); err != nil {
			return err
		}
		if res.Attempts, err = tx.Answer(ctx, r.ID, n, q, given.Answer, res.Right, a.app.now()); err != nil {
			return err
		}
		err = tx.Event(ctx, r.UserID, "lab.answered", map[string]any{
			"session": r.ID, "lab": r.LabID, "version": r.Version, "step": n, "question": q, "right": res.Right,
		})
		if err != nil || !res.Right {
			return err
		}
		before := stepDone(r, n)
		if r, err = tx.LabRun(ctx, r.ID); err != nil || before || !stepDone(r, n) {
			return err
		}
		if s := &r.Steps[n-1]; !r.Marks[n-1].Checked {
			s.State, s.Score = hub.StepPassed, score(r.Marks[n-1], sc.Steps[n-1])
			if err := tx.SaveLabStep(ctx, r, n, a.app.now()); err != nil {
				return err
			}
		}
		_, err = a.app.recordLab(ctx, tx, r, 100*passed(r)/counted(r))
		return err
	})
	if err != nil {
		return res, err
	}
	res.Steps, res.Open = r.Steps, openAnswers(r.Marks[n-1])
	return res, nil
}

// openAnswers is how many questions of a step are still to be answered.
func openAnswers(m postgres.StepMarks) int { return max(0, m.Questions-m.RightAnswers) }

// questionOf is the question that is meant: 0 is the first one still open.
func questionOf(asked, of int, done []int) (int, error) {
	if asked < 0 || asked > of {
		e := hub.New(hub.Invalid, "There is no such question. The step asks %s.", questions(of))
		e.Fields = []hub.FieldError{hub.Field("/question", "This is not a question of the step.")}
		return 0, e
	}
	for q := 1; asked == 0 && q <= of; q++ {
		if !slices.Contains(done, q) {
			return q, nil
		}
	}
	return max(asked, 1), nil
}

// What package scenario says of an answer.
var _ = [...]string{words.Heard("A choice is answered with its letter: a is the first"), words.Heard("This question takes one choice")}

// marked says whether an answer is right, and what to tell whoever was close.
// It never says what would be.
func marked(q scenario.Question, given []string) (right bool, message string, err error) {
	if len(given) == 0 || len(given) > 100 {
		return false, "", wrongField("/answer", "Give an answer.")
	}
	for _, g := range given {
		if len(g) > maxAnswer || strings.ContainsRune(g, 0) {
			return false, "", wrongField("/answer", "An answer is at most 1000 characters.")
		}
	}
	right, near, err := q.Mark(given)
	if err != nil {
		why := strings.ToUpper(err.Error()[:1]) + err.Error()[1:]
		return false, "", wrongField("/answer", "%s.", hub.Word(why))
	}
	if near {
		message = words.Kept("Almost: upper and lower case matter here.")
	}
	return right, message, nil
}
