package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	maxEvents        = 100 // of one call of Replay
	eventsPerRequest = 10  // each is a transaction
	keepOutcomes     = 90 * 24 * time.Hour
)

// Replay applies what the caller did while they were offline, in order: each
// event once, however often and late it is told. An event that can't be applied is refused by itself, by
// the rights that the caller has now, and the rest goes on. Each is a
// transaction of its own, so that an error leaves what came before applied:
// telling all of it again is safe.
func (a Actor) Replay(ctx context.Context, events []hub.LearningEvent) ([]hub.EventResult, error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	if err := plausibleEvents(events); err != nil {
		return nil, err
	}
	// The request itself is counted already.
	for range (len(events) - 1) / eventsPerRequest {
		if _, err := a.Spend(ctx); err != nil {
			return nil, err
		}
	}
	results := make([]hub.EventResult, 0, len(events))
	for _, e := range events {
		r, err := a.replay(ctx, e)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// plausibleEvents checks what no client of ours gets wrong. Whatever depends on
// courses is refused one by one.
func plausibleEvents(events []hub.LearningEvent) error {
	var wrong []hub.FieldError
	if len(events) == 0 || len(events) > maxEvents {
		wrong = append(wrong, hub.Field("/events", "There are %d events; send from 1 to %d.", len(events), maxEvents))
		events = nil
	}
	for i, e := range events {
		check := func(ok bool, name, detail string) {
			if !ok {
				wrong = append(wrong, hub.FieldError{Pointer: fmt.Sprintf("/events/%d/%s", i, name), Detail: detail})
			}
		}
		check(isUUID(e.ID), "id", "An id is a UUID.")
		check(e.Kind == hub.LessonRead || e.Kind == hub.LessonDone || e.Kind == hub.QuizTaken, "kind", "The kinds are lesson.read, lesson.done and quiz.taken.")
		check(e.ProgressPercentage >= 0 && e.ProgressPercentage <= 100, "progress_percentage", "A percentage is from 0 to 100.")
		check(e.ProgressPercentage == 0 || e.Kind == hub.LessonRead, "progress_percentage", "Only lesson.read has a percentage.")
		check(e.Answers == nil || e.Kind == hub.QuizTaken, "answers", "Only quiz.taken has answers.")
	}
	if len(wrong) == 0 {
		return nil
	}
	unfit := hub.New(hub.Invalid, "Nothing was recorded: %s", wrong[0])
	unfit.Fields = wrong[:min(len(wrong), 20)]
	return unfit
}

// replay applies one event, finds that it was applied before, or refuses it. An
// error means that nobody can say.
func (a Actor) replay(ctx context.Context, e hub.LearningEvent) (hub.EventResult, error) {
	e.ID = strings.ToLower(e.ID)
	told, err := json.Marshal(e)
	if err != nil {
		return hub.EventResult{}, fmt.Errorf("event: %w", err)
	}
	request := sha256.Sum256(told)
	result := hub.EventResult{ID: e.ID, Status: hub.EventApplied}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		now := a.app.now()
		before, err := tx.TakeEvent(ctx, a.user.ID, e.ID, request[:], now)
		switch {
		case err != nil:
			return err
		case before != nil && !bytes.Equal(before.Request, request[:]):
			return hub.Errorf(hub.Conflict, "Another event was told under this id.")
		case before != nil:
			if before.Outcome != nil {
				if err := json.Unmarshal(before.Outcome, &result); err != nil {
					return fmt.Errorf("outcome of an event: %w", err)
				}
			}
			result.Status = hub.EventDuplicate
			return nil
		}
		if err := a.happen(ctx, tx, e, now, &result); err != nil {
			return err
		}
		outcome, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("outcome of an event: %w", err)
		}
		return tx.KeepOutcome(ctx, a.user.ID, e.ID, outcome)
	})
	if result.Status == hub.EventApplied {
		a.app.known.forgetTakes(a.user.ID)
	}
	if refused, ok := errors.AsType[*hub.Error](err); ok {
		switch refused.Code {
		case hub.Invalid, hub.Forbidden, hub.NotFound, hub.Conflict:
			return hub.EventResult{
				ID: e.ID, Status: hub.EventRefused,
				Problem: hub.Refuse(refused),
			}, nil
		}
	}
	return result, err
}

// happen does what an event tells of, as if it had been asked for when it
// happened.
func (a Actor) happen(ctx context.Context, tx postgres.Tx, e hub.LearningEvent, now time.Time, result *hub.EventResult) error {
	at := a.believable(e.OccurredAt, now)
	if e.Kind == hub.QuizTaken {
		r, err := a.takeQuizIn(ctx, tx, e.CourseID, e.LessonID, hub.QuizAnswers{Answers: e.Answers}, at)
		result.Quiz = &r
		return err
	}
	entry := hub.ProgressEntry{CourseID: strings.ToLower(e.CourseID), LessonID: e.LessonID, ProgressPercentage: e.ProgressPercentage}
	if e.Kind == hub.LessonDone {
		entry.ProgressPercentage = 100
	}
	if entry.ProgressPercentage == 100 {
		entry.CompletedAt = &at
	}
	if !courses.IsSlug(entry.CourseID) && !isUUID(entry.CourseID) {
		return hub.Errorf(hub.NotFound, "There is no such course.")
	}
	merged, _, err := a.recordIn(ctx, tx, []hub.ProgressEntry{entry}, []string{entry.CourseID}, now)
	if err != nil {
		return alone(err)
	}
	if len(merged) == 1 {
		result.Progress = &merged[0]
	}
	return nil
}

// believable is when something happened, between the account's beginning and
// now: clocks go wrong.
func (a Actor) believable(at, now time.Time) time.Time {
	switch {
	case at.After(now):
		return now
	case at.Before(a.user.CreatedAt):
		return a.user.CreatedAt
	}
	return at
}

// alone words what is wrong with one entry of many for the only one.
func alone(err error) error {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || len(e.Fields) != 1 {
		return err
	}
	code := e.Code
	if strings.HasSuffix(e.Fields[0].Pointer, "_id") {
		code = hub.NotFound
	}
	return hub.New(code, "%s", e.Fields[0])
}
