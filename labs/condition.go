package labs

import (
	"context"
	"time"
)

// States of a Condition.
const (
	Running = "running"
	Making  = "making" // somebody is at work on it, or was when they died
	Dead    = "dead"   // its process 1 has ended
	Lost    = "lost"   // it runs, and nobody can reach it
)

// A Condition is what an operator asks of a sandbox.
type Condition struct {
	ID     string    `json:"id"`
	State  string    `json:"state"`
	Image  string    `json:"image,omitempty"` // its digest
	Since  time.Time `json:"since,omitzero"`
	Memory int64     `json:"memory"` // bytes in use, caches of files included; -1 where nobody counts
	Pids   int       `json:"pids"`   // processes and threads; -1 where nobody counts
}

// An Examiner is a Driver that can tell how its sandboxes are doing, without
// asking anybody inside.
type Examiner interface {
	// Examine answers ErrNotFound for an unknown sandbox.
	Examine(ctx context.Context, id string) (Condition, error)
}
