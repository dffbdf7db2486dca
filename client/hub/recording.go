package hub

import "time"

// LabSharing says whether a learner lets those who teach look on in a session.
type LabSharing struct {
	SessionID string     `json:"session_id"`
	Shared    bool       `json:"shared"`
	SharedAt  *time.Time `json:"shared_at,omitempty"`
}

// SharedLab is a running session whose learner lets the caller look on.
type SharedLab struct {
	SessionID string    `json:"session_id"`
	LabID     string    `json:"lab_id"`
	Title     string    `json:"title"`
	Learner   string    `json:"learner"` // user name
	SharedAt  time.Time `json:"shared_at"`
}

// LabRecording says whether the shells of a session are recorded when they are
// attached to.
type LabRecording struct {
	SessionID string `json:"session_id"`
	Recording bool   `json:"recording"`
}

// Recording is what one visit to a lab's shell printed. What was typed is not
// in it.
type Recording struct {
	ID        string    `json:"id"`
	SessionID string    `json:"session_id"`
	LabID     string    `json:"lab_id"`
	Title     string    `json:"title"`
	Columns   int       `json:"columns"`
	Rows      int       `json:"rows"`
	Term      string    `json:"-"`
	StartedAt time.Time `json:"started_at"`
	Duration  float64   `json:"duration"` // seconds
	Bytes     int64     `json:"bytes"`
}
