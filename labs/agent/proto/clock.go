package proto

// Expiry is when a sandbox ends. The agent keeps the time itself, so that a
// sandbox doesn't outlive its session while the host's program is down.
type Expiry struct {
	// LeftMS is how many milliseconds are left: a span and not a time, because
	// a host's clock may be set meanwhile.
	LeftMS int64 `json:"left_ms"`
}

// GraceMS is how long after its time a sandbox ends by itself. Until then the
// host does it, which may first keep what is in it.
const GraceMS = 10_000
