package hub

import (
	"slices"
	"time"
)

// Scope is one thing that an API key may be used for.
type Scope string

// The scopes. What changes includes what reads.
const (
	CoursesRead   Scope = "courses:read"   // courses and lessons
	ProgressRead  Scope = "progress:read"  // progress, and what to do next
	ProgressWrite Scope = "progress:write" // also enroll, quizzes
	LabsRead      Scope = "labs:read"      // labs, sessions, recordings
	LabsRun       Scope = "labs:run"       // also start, use and end them
	AccountRead   Scope = "account:read"   // profile, keys, usage
	AccountWrite  Scope = "account:write"  // also change the profile
	Authoring     Scope = "author"         // publish and import courses
)

// Scopes are all of them.
var Scopes = []Scope{CoursesRead, ProgressRead, ProgressWrite, LabsRead, LabsRun, AccountRead, AccountWrite, Authoring}

// Holds reports whether a key with scope s may do what needs want.
func (s Scope) Holds(want Scope) bool {
	return s == want || slices.Contains([][2]Scope{
		{ProgressWrite, ProgressRead}, {LabsRun, LabsRead}, {AccountWrite, AccountRead},
	}, [2]Scope{s, want})
}

// APIKey is a key for programs, without the key itself.
type APIKey struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Hint       string     `json:"hint"` // how the key begins
	Scopes     []Scope    `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"` // to half a minute
}

// NewAPIKey asks for a key. Without Scopes there is none.
type NewAPIKey struct {
	Name      string  `json:"name,omitempty"`
	Scopes    []Scope `json:"scopes"`
	ExpiresIn int64   `json:"expires_in,omitempty"` // seconds, a year at most; 0 means 90 days
}

// CreatedAPIKey is a new key, the only time that it is shown.
type CreatedAPIKey struct {
	APIKey
	Token string `json:"token"`
}
