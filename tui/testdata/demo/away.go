package demo

import (
	"context"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Traveller is a Hub on a train: what is kept can be read, what is done waits,
// and the rest needs the hub.
type Traveller struct {
	*Hub
	stands  hub.Standing
	changed chan struct{}
}

// Away takes h on a train, with what was confirmed two hours ago.
func (h *Hub) Away() *Traveller {
	return &Traveller{Hub: h, stands: hub.Standing{Away: true, AsOf: h.now().Add(-2*time.Hour - time.Minute)}, changed: make(chan struct{})}
}

// Standing is how it stands with the hub, and a channel that is closed at the
// next change.
func (t *Traveller) Standing() (hub.Standing, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stands, t.changed
}

// Change changes how it stands.
func (t *Traveller) Change(change func(*hub.Standing)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.stands)
	close(t.changed)
	t.changed = make(chan struct{})
}

// Stands is how it stands.
func (t *Traveller) Stands() hub.Standing {
	s, _ := t.Standing()
	return s
}

func (t *Traveller) needs(message string) error {
	if !t.Stands().Away {
		return nil
	}
	return hub.Errorf(hub.Unavailable, "%s", message)
}

func (t *Traveller) labs() error    { return t.needs("You are offline, and labs run at the hub.") }
func (t *Traveller) account() error { return t.needs("You are offline, and this needs the hub.") }

// RecordProgress is written down, and waits.
func (t *Traveller) RecordProgress(ctx context.Context, es []hub.ProgressEntry) ([]hub.ProgressEntry, error) {
	if t.Stands().Away {
		t.Change(func(s *hub.Standing) { s.Waits += len(es) })
	}
	return t.Hub.RecordProgress(ctx, es)
}

// TakeQuiz is written down, and waits.
func (t *Traveller) TakeQuiz(ctx context.Context, course, lesson string, a hub.QuizAnswers) (hub.QuizResult, error) {
	if t.Stands().Away {
		t.Change(func(s *hub.Standing) { s.Waits++ })
		return hub.QuizResult{}, &hub.Error{Code: hub.Unavailable, Message: "Your answers are kept.", Err: hub.ErrWritten}
	}
	return t.Hub.TakeQuiz(ctx, course, lesson, a)
}

// Labs need the hub, and so does the rest.
func (t *Traveller) Labs(ctx context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error) {
	if err := t.labs(); err != nil {
		return hub.Page[hub.Lab]{}, err
	}
	return t.Hub.Labs(ctx, f)
}

// Lab is one of them.
func (t *Traveller) Lab(ctx context.Context, id string) (hub.Lab, error) {
	if err := t.labs(); err != nil {
		return hub.Lab{}, err
	}
	return t.Hub.Lab(ctx, id)
}

// LabSessions are those of labs.
func (t *Traveller) LabSessions(ctx context.Context) ([]hub.LabSession, error) {
	if err := t.labs(); err != nil {
		return nil, err
	}
	return t.Hub.LabSessions(ctx)
}

// Enroll joins a course.
func (t *Traveller) Enroll(ctx context.Context, course string) (hub.Enrollment, error) {
	if err := t.account(); err != nil {
		return hub.Enrollment{}, err
	}
	return t.Hub.Enroll(ctx, course)
}

// Usage is how the limits stand.
func (t *Traveller) Usage(ctx context.Context) (hub.Usage, error) {
	if err := t.account(); err != nil {
		return hub.Usage{}, err
	}
	return t.Hub.Usage(ctx)
}

// Keys are SSH keys.
func (t *Traveller) Keys(ctx context.Context) ([]hub.Key, error) {
	if err := t.account(); err != nil {
		return nil, err
	}
	return t.Hub.Keys(ctx)
}

// APIKeys are keys of programs.
func (t *Traveller) APIKeys(ctx context.Context) ([]hub.APIKey, error) {
	if err := t.account(); err != nil {
		return nil, err
	}
	return t.Hub.APIKeys(ctx)
}

// Sessions are sign-ins.
func (t *Traveller) Sessions(ctx context.Context) ([]hub.Session, error) {
	if err := t.account(); err != nil {
		return nil, err
	}
	return t.Hub.Sessions(ctx)
}
