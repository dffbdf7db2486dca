package hub

import "time"

// LabReport is what a learner says of a check that they take for wrong, with
// how the step stood when they said it.
type LabReport struct {
	ID        string    `json:"id"`
	SessionID string    `json:"session_id"`
	LabID     string    `json:"lab_id"`
	Version   string    `json:"version"` // of the lab
	Step      int       `json:"step"`
	Text      string    `json:"text"`
	Verdict   StepState `json:"verdict"`
	CreatedAt time.Time `json:"created_at"`
}

// CheckMark says whether the check of a step is known to be broken. Then the
// step counts as one without a check, in this version of the lab, and keeps
// nobody from going on.
type CheckMark struct {
	LabID   string `json:"lab_id"`
	Version string `json:"version"`
	Step    int    `json:"step"`
	Broken  bool   `json:"broken"`
	Note    string `json:"note,omitempty"` // why, for those who teach
}
