package offline

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cloudmastershub/cmh/client/lockfile"
)

// How long a hub has for taking a connection, where something kept would do: the
// least, and what the client itself waits.
const (
	leastPatience = 2 * time.Second
	mostPatience  = 10 * time.Second
)

// pace is where the time is written that the last connection took, when it was
// long: a link may be slow and work.
func (c *Cache) pace() string { return filepath.Join(c.dir, "pace") }

// patience is twice what the last connection took, within its limits.
func (c *Cache) patience() time.Duration {
	if c.dir == "" {
		return leastPatience
	}
	b, err := lockfile.ReadFile(c.pace())
	if err != nil {
		return leastPatience
	}
	ms, _ := strconv.ParseUint(string(b), 10, 32)
	return max(leastPatience, min(2*time.Duration(ms)*time.Millisecond, mostPatience))
}

// Connected notes how long a connection took: see client.Connected.
func (c *Cache) Connected(took time.Duration) {
	if c.dir == "" {
		return
	}
	if took <= leastPatience/2 {
		_ = os.Remove(c.pace()) // mostly there is none
		return
	}
	if os.MkdirAll(c.dir, 0o700) == nil {
		_ = replace(c.pace(), strconv.AppendInt(nil, took.Milliseconds(), 10))
	}
}
