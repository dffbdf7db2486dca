package hub

import "time"

// LabEvent is one thing that happened to a lab session. IDs rise, so that a
// reader who was cut off can go on behind the last one.
type LabEvent struct {
	ID        int64          `json:"id"`
	Type      string         `json:"type"` // lab.ready, lab.checked, lab.warning, ...; more may be added
	SessionID string         `json:"session_id"`
	LabID     string         `json:"lab_id"`
	At        time.Time      `json:"at"`
	Data      map[string]any `json:"data"` // what the type has to say: state, step, outcome, minutes, ...
}
