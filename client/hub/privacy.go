package hub

import (
	"encoding/json"
	"time"
)

// Export is everything that the hub keeps about one user.
type Export struct {
	Format     string    `json:"format"` // cmh-export-1
	ExportedAt time.Time `json:"exported_at"`

	// Data is a list of rows by the name of what holds them.
	Data map[string]json.RawMessage `json:"data"`

	// Withheld says what is kept and not shown, by table and column, and why:
	// secrets, and what has a way out of its own.
	Withheld map[string]string `json:"withheld"`
}

// Deletion asks for the end of the caller's account. A sign-in of the last ten
// minutes needs no password.
type Deletion struct {
	Password string `json:"password"`
}

// DeletionDate is when an account goes. Until then it is closed, and signing in
// keeps it.
type DeletionDate struct {
	DeleteAt time.Time `json:"delete_at"`
}
