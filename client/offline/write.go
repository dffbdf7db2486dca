package offline

import (
	"context"
	"slices"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
)

// journal is the caller's own. Guests have none: nobody would hear of it.
func (h *Hub) journal(ctx context.Context) (Journal, error) {
	token, err := h.token(ctx)
	if err != nil {
		return Journal{}, err
	}
	if token == "" {
		return Journal{}, hub.Errorf(hub.Unauthenticated, "You are not signed in.")
	}
	return OpenJournal(h.place, token), nil
}

// Waiting returns what the hub hasn't heard of, in order.
func (h *Hub) Waiting(ctx context.Context) ([]hub.LearningEvent, error) {
	j, err := h.journal(ctx)
	if err != nil {
		return nil, nil //nolint:nilerr // a guest has done nothing that waits
	}
	events, err := j.Waiting()
	h.counted(len(events))
	return events, err
}

func (h *Hub) counted(n int) {
	h.note(func() bool {
		was := h.count
		h.count = n
		return n != was
	})
}

// RecordProgress tells the hub, or the journal. Entries merge, so one that may
// have arrived may be told again.
func (h *Hub) RecordProgress(ctx context.Context, entries []hub.ProgressEntry) ([]hub.ProgressEntry, error) {
	var cause error
	if !h.Away() {
		hurried, y := h.hurry(ctx, true, func() bool { return h.journals(ctx, entries) })
		merged, err := h.Client.RecordProgress(hurried, entries)
		if slow, _ := y.end(err); slow {
			h.reached(false)
		} else if !h.lost(err) {
			return merged, err
		}
		cause = err
	}
	events := make([]hub.LearningEvent, 0, len(entries))
	answer := slices.Clone(entries)
	for i, e := range entries {
		course, err := h.lessonOf(ctx, e.CourseID, e.LessonID)
		if err != nil {
			return nil, orCause(cause, err)
		}
		event := hub.LearningEvent{
			ID: hub.NewEventID(), Kind: hub.LessonRead, CourseID: course, LessonID: e.LessonID,
			ProgressPercentage: e.ProgressPercentage, OccurredAt: time.Now().UTC().Truncate(time.Millisecond),
		}
		if e.CompletedAt != nil {
			event.OccurredAt = *e.CompletedAt
		}
		if e.ProgressPercentage == 100 {
			event.Kind, event.ProgressPercentage = hub.LessonDone, 0
			answer[i].CompletedAt = &event.OccurredAt
		}
		events = append(events, event)
	}
	if err := h.write(ctx, events...); err != nil {
		return nil, err
	}
	h.inform(h.Words.T("Offline: kept on this machine, and told to the hub when it can be reached."))
	return answer, nil
}

// journals reports whether what is recorded could be written down as well.
func (h *Hub) journals(ctx context.Context, entries []hub.ProgressEntry) bool {
	if _, err := h.journal(ctx); err != nil {
		return false
	}
	return !slices.ContainsFunc(entries, func(e hub.ProgressEntry) bool {
		_, err := h.lessonOf(ctx, e.CourseID, e.LessonID)
		return err != nil
	})
}

// lessonOf makes sure of a lesson that waits for the hub: what can't be found
// would only be refused much later. It returns the course's slug.
func (h *Hub) lessonOf(ctx context.Context, course, lesson string) (string, error) {
	c, err := h.outline(ctx, course)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(c.Lessons, func(l hub.Lesson) bool { return l.ID == lesson }) {
		return "", &hub.Error{Code: hub.NotFound, Message: "The course has no such lesson."}
	}
	return c.Slug, nil
}

func orCause(cause, err error) error {
	if cause != nil {
		return cause
	}
	return err
}

// TakeQuiz has answers marked. Offline they are written into the journal, and the
// error says so: hub.ErrWritten is in it. Answers that may have arrived are not
// written down, because an attempt counts.
func (h *Hub) TakeQuiz(ctx context.Context, course, lesson string, a hub.QuizAnswers) (hub.QuizResult, error) {
	if !h.Away() {
		hurried, y := h.hurry(ctx, false, func() bool {
			_, err := h.lessonOf(ctx, course, lesson)
			return err == nil
		})
		r, err := h.Client.TakeQuiz(hurried, course, lesson, a)
		slow, arrived := y.end(err)
		switch {
		case slow && !arrived:
			h.reached(false)
		case slow:
			return r, hub.Wrap(err, hub.Unavailable, "Nobody knows whether your answers have reached the hub. See with: cmh progress")
		case !h.lost(err) || !client.NeverSent(err):
			return r, err
		}
	}
	slug, err := h.lessonOf(ctx, course, lesson)
	if err != nil {
		return hub.QuizResult{}, err
	}
	answers := a.Answers
	if answers == nil {
		answers = map[string][]string{}
	}
	err = h.write(ctx, hub.LearningEvent{
		ID: hub.NewEventID(), Kind: hub.QuizTaken, CourseID: slug, LessonID: lesson, Answers: answers, OccurredAt: time.Now().UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return hub.QuizResult{}, err
	}
	return hub.QuizResult{}, written()
}

func (h *Hub) write(ctx context.Context, events ...hub.LearningEvent) error {
	j, err := h.journal(ctx)
	if err != nil {
		return err
	}
	if err := j.Add(ctx, events...); err != nil {
		return err
	}
	_, err = h.Waiting(ctx)
	return err
}

// CatchSoon is Catch for who came for something else: where the hub takes no
// connection soon, what waits goes on waiting.
func (h *Hub) CatchSoon(ctx context.Context) (Replayed, error) {
	hurried, y := h.hurry(ctx, false, func() bool { return true })
	r, err := h.Catch(hurried)
	if slow, _ := y.end(err); slow {
		h.reached(false)
		return r, nil // what waits goes on waiting
	}
	return r, err
}

// Catch tells the hub what waits, and the learner what became of it. Nothing
// happens when nothing waits, or when the hub can't be reached.
func (h *Hub) Catch(ctx context.Context) (Replayed, error) {
	var none Replayed
	j, err := h.journal(ctx)
	if err != nil {
		return none, nil //nolint:nilerr // guests have nothing to tell
	}
	events, err := h.Waiting(ctx)
	if err != nil || len(events) == 0 || h.Away() {
		return none, err
	}
	r, err := j.Replay(ctx, func(ctx context.Context, some []hub.LearningEvent) ([]hub.EventResult, error) {
		// Another process may have signed somebody else in, while this one waited.
		if now, err := h.journal(ctx); err != nil || now != j {
			return nil, hub.Errorf(hub.Conflict, "Somebody else has signed in. What you did waits until you do again.")
		}
		return h.Replay(ctx, some)
	})
	_, _ = h.Waiting(ctx)
	if client.Unreachable(err) {
		h.reached(false)
	} else if err == nil {
		h.reached(true)
	}
	h.note(func() bool {
		h.told += r.Recorded
		return r.Recorded > 0
	})
	if r.Recorded > 0 {
		h.inform(h.Words.N(r.Recorded, "The hub has recorded what you did offline: %d change.", "The hub has recorded what you did offline: %d changes.", r.Recorded))
	}
	if n, where := j.Damaged(); n > 0 && r.Recorded > 0 {
		h.inform(h.Words.N(n, "%d change can't be read any more, and lies in %s.", "%d changes can't be read any more, and lie in %s.", n, where))
	}
	for _, refused := range r.Refused {
		h.inform(refused.Say(h.Words) + " " + h.Words.Tf("It is kept in %s.", j.RefusedPath()))
	}
	return r, err
}

// Say tells what was refused, and why.
func (r Refused) Say(s words.Speaker) string {
	e := r.Event
	said := s.Tf("The hub has refused the progress of %s in %s: %s", e.LessonID, e.CourseID, s.Told(r.Problem.Detail))
	switch e.Kind {
	case hub.QuizTaken:
		said = s.Tf("The hub has refused the quiz of %s in %s: %s", e.LessonID, e.CourseID, s.Told(r.Problem.Detail))
	case hub.LessonDone:
		said = s.Tf("The hub has refused the completion of %s in %s: %s", e.LessonID, e.CourseID, s.Told(r.Problem.Detail))
	}
	return said
}

// Enroll joins a course, and keeps its texts for when the hub can't be reached.
func (h *Hub) Enroll(ctx context.Context, course string) (hub.Enrollment, error) {
	e, err := needs(h, func(c *client.Client) (hub.Enrollment, error) { return c.Enroll(ctx, course) })
	if err == nil {
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = h.keepCourse(within, e.Course) // what is missing, cmh sync fetches
	}
	return e, err
}

// keepCourse fetches the texts of a course.
func (h *Hub) keepCourse(ctx context.Context, slug string) error {
	c, err := h.Client.Course(ctx, slug)
	if err != nil {
		return err
	}
	token, err := h.token(ctx)
	if err != nil {
		return err
	}
	if _, err := h.Client.Lessons(ctx, slug); err != nil {
		return err
	}
	for _, l := range c.Lessons {
		at := h.cache.At(token, "/v1/courses/"+slug+"/lessons/"+l.ID)
		if at.After(c.UpdatedAt) && time.Since(at) < 24*time.Hour && time.Since(at) > 0 {
			continue // confirmed today, and not changed since
		}
		if _, err := h.Client.Lesson(ctx, slug, l.ID); err != nil {
			return err
		}
	}
	return nil
}

// Kept is what there is to read offline.
type Kept struct {
	Courses int `json:"courses"` // in the catalogue
	Texts   int `json:"courses_with_texts"`
}

// Fetch keeps what a learner may want to read offline: the catalogue, the texts
// and quizzes of the courses that they take, how far they are. What hasn't
// changed isn't sent again.
func (h *Hub) Fetch(ctx context.Context) (Kept, error) {
	var k Kept
	if h.always {
		return k, hub.Errorf(hub.Unavailable, "You are offline, and this needs the hub.")
	}
	all, err := h.catalogue(ctx, h.Client)
	if err != nil {
		return k, err
	}
	k.Courses = len(all)
	if token, err := h.token(ctx); err != nil || token == "" {
		return k, err
	}
	if _, err := h.Profile(ctx); err != nil {
		return k, err
	}
	if _, err := h.Client.Progress(ctx); err != nil {
		return k, err
	}
	_, nextErr := h.Client.Next(ctx)
	_, meritErr := h.Client.Achievements(ctx)
	_, certErr := h.Client.Certificates(ctx)
	for _, err := range []error{nextErr, meritErr, certErr} {
		if err != nil {
			return k, err
		}
	}
	for _, c := range all {
		if !c.Enrolled {
			continue
		}
		err := h.keepCourse(ctx, c.Slug)
		switch hub.CodeOf(err) {
		case "":
			k.Texts++
		case hub.Forbidden, hub.NotFound: // not theirs any more; the others may be
		default:
			return k, err
		}
	}
	return k, nil
}
