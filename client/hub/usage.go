package hub

import (
	"cmp"
	"time"
)

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

// unsaid is how many minutes a lab is taken to ask for whose author doesn't say.
const unsaid = 20

// ShortFor reports whether fewer of today's minutes are left than a lab asks for,
// and how many they are.
func (u Usage) ShortFor(l Lab) (left int, short bool) {
	if u.LabMinutes.Remaining == nil {
		return 0, false
	}
	left = *u.LabMinutes.Remaining
	return left, left < cmp.Or(l.EstimatedTime, unsaid)
}
