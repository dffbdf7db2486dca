package hub

import "time"

// LabAttempt is one session of a lab as it is looked back on: what came of it,
// and none of what it takes to get into it.
type LabAttempt struct {
	ID     string `json:"session_id"`
	LabID  string `json:"lab_id"`
	Course string `json:"course,omitempty"` // slug
	Title  string `json:"title"`
	State  string `json:"state"`
	// Outcome is how it ended: Submitted, Expired or Stopped. Empty while it
	// runs; State forgets it once nothing is left of the sandbox.
	Outcome      string     `json:"outcome,omitempty"`
	Reason       string     `json:"reason,omitempty"` // why it ended, as a sentence
	Steps        int        `json:"steps"`
	Checks       int        `json:"checks"` // how many of the steps have one that counts
	ChecksPassed int        `json:"checks_passed"`
	Minutes      int        `json:"minutes"` // whole ones, so far
	BeganAt      time.Time  `json:"began_at"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
}

// LabHistoryFilter narrows the list of lab sessions. The zero value lists all of
// the caller's, the newest first.
type LabHistoryFilter struct {
	Lab    string // id
	Course string // slug
	Paging
}

// QuizAttempt is one time that the caller took the quiz of a lesson. What was
// right is not in it: QuizResult told whoever took it.
type QuizAttempt struct {
	ID        string              `json:"id"`
	Score     int                 `json:"score"` // percent
	Passed    bool                `json:"passed"`
	Version   int                 `json:"version"` // of the course, whose questions were asked
	Answers   map[string][]string `json:"answers"` // as in QuizAnswers
	CreatedAt time.Time           `json:"created_at"`
}
