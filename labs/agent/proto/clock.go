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

// Self is what a sandbox that was made in advance learns when it is claimed.
type Self struct {
	Hostname string            `json:"hostname,omitempty"` // empty leaves it
	Env      map[string]string `json:"env,omitempty"`
}

// Names are the files in which a sandbox keeps its own name.
func Names(hostname string) map[string]string {
	return map[string]string{
		"/etc/hostname": hostname + "\n",
		"/etc/hosts":    "127.0.0.1\tlocalhost\n127.0.1.1\t" + hostname + "\n::1\tlocalhost ip6-localhost ip6-loopback\n",
	}
}
