package hub

import "time"

// Usage is how much of their limits somebody has used.
type Usage struct {
	Tier       Role `json:"tier"`
	Requests   Used `json:"requests"`    // in any hour, over all doors
	LabMinutes Used `json:"lab_minutes"` // today, in UTC
}

// Used is how one limit stands.
type Used struct {
	Limit     int        `json:"limit"`  // 0 is without one
	Window    int        `json:"window"` // seconds
	Used      int        `json:"used"`
	Remaining *int       `json:"remaining,omitempty"` // absent without a limit
	ResetsAt  *time.Time `json:"resets_at,omitempty"` // when some of it is free again
}
