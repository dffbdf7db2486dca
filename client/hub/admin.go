package hub

import "time"

// Account is a user as administrators see them.
type Account struct {
	User
	EmailVerified bool       `json:"email_verified"`
	SuspendedAt   *time.Time `json:"suspended_at,omitempty"`
	DeleteAt      *time.Time `json:"delete_at,omitempty"` // its owner wants it gone by then
}

// AccountDetail is one account, with how much it has.
type AccountDetail struct {
	Account
	SignIns      int        `json:"sign_ins"` // those that have not ended
	APIKeys      int        `json:"api_keys"`
	SSHKeys      int        `json:"ssh_keys"`
	Enrollments  int        `json:"enrollments"`
	Certificates int        `json:"certificates"`
	LabsRunning  int        `json:"labs_running"`
	LastSeenAt   *time.Time `json:"last_seen_at,omitempty"` // when a sign-in began or was refreshed; up to 15 minutes before its last use
}

// AccountFilter narrows a list of accounts. The zero value lists all, the newest
// first.
type AccountFilter struct {
	Query     string // how the e-mail address or the user name begins; or an id
	Role      Role
	Suspended bool // only those
	Paging
}

// RoleChange gives an account another role.
type RoleChange struct {
	Role Role `json:"role"` // free, premium, instructor or admin
}

// LabInFlight is a lab session of anybody's that runs.
type LabInFlight struct {
	ID        string    `json:"id"` // of the session
	LabID     string    `json:"lab_id"`
	UserID    string    `json:"user_id"`
	Username  string    `json:"username"`
	State     string    `json:"state"`
	Step      int       `json:"step"`
	Node      string    `json:"node"` // the server whose machine it runs on
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// AuditEntry is one line of the audit log. Accounts are ids, which may be
// nobody's any more.
type AuditEntry struct {
	ID        int64          `json:"id"`
	At        time.Time      `json:"at"`
	ActorID   string         `json:"actor_id,omitempty"`   // absent: the operator, or nobody who is known
	SubjectID string         `json:"subject_id,omitempty"` // whose account; absent: nobody's
	Action    string         `json:"action"`               // such as account.signed_in
	Data      map[string]any `json:"data"`
}

// AuditFilter narrows the audit log. The zero value is all of it, the newest
// first.
type AuditFilter struct {
	ActorID   string
	SubjectID string
	Action    string // or what it begins with, up to a dot: account
	Paging
}

// Count is how many there are. Beyond some thousands it is an estimate: nobody
// waits for a whole table to be counted.
type Count struct {
	Count int64 `json:"count"`
	Exact bool  `json:"exact"`
}

// Stats is how much there is of everything.
type Stats struct {
	Users        Count          `json:"users"`
	NewUsers     Count          `json:"new_users"` // in the last 24 hours
	Courses      Count          `json:"courses"`
	Enrollments  Count          `json:"enrollments"`
	Lessons      Count          `json:"lessons"` // that learners have begun
	Certificates Count          `json:"certificates"`
	LabSessions  Count          `json:"lab_sessions"` // ever
	LabsRunning  map[string]int `json:"labs_running"` // by state
}
