package hub

import (
	"strings"
	"time"
)

// Certificate says that somebody has completed a course. Whoever has its ID can
// verify it; it tells no more of its owner than the name.
type Certificate struct {
	ID       string    `json:"id"`     // such as bdwp-hqpk-xm2a-7cft
	Name     string    `json:"name"`   // of the learner, when it was issued
	Course   string    `json:"course"` // slug
	Title    string    `json:"title"`  // of the course, when it was issued
	IssuedAt time.Time `json:"issued_at"`
	URL      string    `json:"url,omitempty"` // where anybody sees it; absent when the hub doesn't know what it is called
}

// CertificateID is what somebody typed, as an ID is written: small letters in
// four groups of four. What can't be one is returned as it is.
func CertificateID(s string) string {
	plain := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(s))
	if len(plain) != 16 || strings.Trim(plain, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return s
	}
	return plain[:4] + "-" + plain[4:8] + "-" + plain[8:12] + "-" + plain[12:]
}
