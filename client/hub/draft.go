package hub

import "time"

// Draft is labs that an author tries on the hub before anybody else sees them.
// Nobody but their owner and admins can start them, and no list shows them.
type Draft struct {
	ID        string     `json:"id"`
	Labs      []DraftLab `json:"labs"`
	Rejected  []string   `json:"rejected"` // what could not be read, with file, line and why
	ExpiresAt time.Time  `json:"expires_at"`
}

// DraftLab is one lab of a Draft.
type DraftLab struct {
	ID       string `json:"id"`   // to start it by
	Path     string `json:"path"` // its folder in the upload
	Title    string `json:"title"`
	Runnable bool   `json:"runnable"`
	Reason   string `json:"reason,omitempty"` // why it is not runnable
}
