package hub

import "time"

// Achievements is what somebody has reached, and could.
type Achievements struct {
	Streak       Streak        `json:"streak"`
	Achievements []Achievement `json:"achievements"` // all there are, the earned ones first
}

// Streak counts days in a row on which something was done: a lesson completed, a
// quiz passed, a step of a lab passed.
type Streak struct {
	Current  int    `json:"current"` // up to today, or up to yesterday while nothing was done today
	Longest  int    `json:"longest"`
	Today    bool   `json:"today"`              // whether today counts already
	LastDay  string `json:"last_day,omitempty"` // such as 2026-11-29; empty when nothing was done yet
	Timezone string `json:"timezone"`           // whose days these are: the profile's, or UTC
}

// Achievement is one of them. Once earned it stays.
type Achievement struct {
	ID          string     `json:"id"` // such as ten-lessons
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Progress    int        `json:"progress"` // from 0 to Goal
	Goal        int        `json:"goal"`
	EarnedAt    *time.Time `json:"earned_at,omitempty"`
}
