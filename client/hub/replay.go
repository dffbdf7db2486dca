package hub

import (
	"crypto/rand"
	"fmt"
	"time"
)

// Kinds of events.
const (
	LessonRead = "lesson.read" // up to a percentage
	LessonDone = "lesson.done"
	QuizTaken  = "quiz.taken"
)

// LearningEvent is something that a learner did while the hub was out of reach.
// It happens once, however often it is told under its ID.
type LearningEvent struct {
	ID                 string              `json:"id"` // a UUID of the client's own making
	Kind               string              `json:"kind"`
	CourseID           string              `json:"course_id"` // id or slug
	LessonID           string              `json:"lesson_id"`
	ProgressPercentage int                 `json:"progress_percentage,omitempty"` // of lesson.read
	Answers            map[string][]string `json:"answers,omitempty"`             // of quiz.taken: see QuizAnswers
	OccurredAt         time.Time           `json:"occurred_at"`                   // by the client's clock, which may be wrong
}

// NewEventID returns a UUID for one event.
func NewEventID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// What becomes of an event.
const (
	EventApplied   = "applied"
	EventDuplicate = "duplicate" // it was applied before
	EventRefused   = "refused"   // nothing has happened, and nothing is remembered
)

// EventResult is what became of one event. Progress or Quiz tell what it led to
// when it was applied; of a duplicate from more than three months ago neither is
// known.
type EventResult struct {
	ID       string         `json:"id"`
	Status   string         `json:"status"`
	Progress *ProgressEntry `json:"progress,omitempty"`
	Quiz     *QuizResult    `json:"quiz,omitempty"`
	Problem  *Refusal       `json:"problem,omitempty"` // of what is refused
}

// Refusal says why one thing of many was refused.
type Refusal struct {
	Code   Code         `json:"code"`
	Detail string       `json:"detail"` // a sentence for the learner
	Errors []FieldError `json:"errors,omitempty"`

	said Phrase // what Detail was made of
}

// Refuse makes an error the reason for refusing one thing.
func Refuse(e *Error) *Refusal {
	return &Refusal{Code: e.Code, Detail: e.Message, Errors: e.Fields, said: e.said}
}

// Format is Error's.
func (r Refusal) Format() (format string, args []any) { return r.said.Format() }
