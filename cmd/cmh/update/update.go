// Package update knows whether a newer cmh is out: a hub runs the release that its
// cmh is of, so it is asked, and nobody else. It decides how often; what is asked,
// and whether anybody is told, is its caller's.
package update

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Source is where releases are, as whoever packed this cmh has set it.
var Source = "https://github.com/cloudmastershub/cmh/releases"

const often = 24 * time.Hour

// News is what a hub was heard to run, in a file of its own.
type News struct {
	File string
	Own  string // this program's version
	Now  func() time.Time
}

type heard struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Told    time.Time `json:"told"`
}

// Due reports whether the hub should be asked again. A program that is no release
// has nothing to compare.
func (n News) Due() bool {
	_, release := parse(n.Own)
	return release && n.away(n.read().At)
}

// Asked notes that the hub is being asked. What isn't heard of it is asked for again
// in an hour.
func (n News) Asked() {
	h := n.read()
	h.At = n.Now().Add(time.Hour - often)
	n.write(h)
}

// Heard notes what the hub says it runs.
func (n News) Heard(version string) {
	h := n.read()
	h.Version, h.At = version, n.Now()
	n.write(h)
}

// Tell returns the release that its reader should hear of now; "" is none. The
// same is told again after a day.
func (n News) Tell() string {
	h := n.read()
	theirs, ok := parse(h.Version)
	ours, release := parse(n.Own)
	if !ok || !release || !newer(theirs, ours) || !n.away(h.Told) {
		return ""
	}
	h.Told = n.Now()
	n.write(h)
	return strings.TrimPrefix(h.Version, "v")
}

// away reports whether t is long ago, or ahead of a clock that was set back.
func (n News) away(t time.Time) bool {
	d := n.Now().Sub(t)
	return d > often || d < -often
}

func (n News) read() (h heard) {
	b, err := os.ReadFile(n.File)
	if err != nil || json.Unmarshal(b, &h) != nil {
		return heard{}
	}
	return h
}

// write fails silently: then the hub is asked again, or the news told again.
func (n News) write(h heard) {
	b, err := json.Marshal(h)
	if err == nil && os.MkdirAll(filepath.Dir(n.File), 0o700) == nil {
		_ = os.WriteFile(n.File, b, 0o600)
	}
}

// parse reads a release: three numbers, and nothing behind them.
func parse(version string) (v [3]uint64, ok bool) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) != len(v) {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

func newer(a, b [3]uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}
