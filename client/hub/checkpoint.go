package hub

import "time"

// Kinds of checkpoints. All but the saved ones are made by the hub itself, and
// make room for newer ones when the learner's share is used up.
const (
	KeptStep   = "step"   // when a step was done
	KeptSaved  = "saved"  // on demand
	KeptBefore = "before" // before a reset or a jump
	KeptEnd    = "end"    // when the session ended
)

// Checkpoint is the files of a lab session as they were at one moment. Programs
// that ran are not in it.
type Checkpoint struct {
	ID        string    `json:"id"`
	SessionID string    `json:"session_id"`
	LabID     string    `json:"lab_id"`
	Kind      string    `json:"kind"`
	Name      string    `json:"name,omitempty"` // given by the learner
	Step      int       `json:"step"`           // the one that was done, or was being worked on
	Bytes     int64     `json:"bytes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Checkpoints are what a learner keeps, the newest first, and how much that may
// be.
type Checkpoints struct {
	Items     []Checkpoint `json:"items"`
	Bytes     int64        `json:"bytes"`      // of all of the learner's
	Count     int          `json:"count"`      // of all of the learner's
	MostBytes int64        `json:"most_bytes"` // 0 when this installation keeps none
	Most      int          `json:"most"`
}

// LabReturn says where a session goes back to: a step, or a checkpoint by its id
// or name. Neither is the beginning of the current step.
type LabReturn struct {
	Step       int    `json:"step,omitempty"`
	Checkpoint string `json:"checkpoint,omitempty"`
}
