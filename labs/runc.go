package labs

import (
	"fmt"
	"strings"
)

// RuncFloors are the first releases of runc, of each line that is kept up,
// that let nobody out by what is known: CVE-2025-31133, -52565, -52881 and
// CVE-2026-41579 among it. Distributions that mend an older one say so in a
// number that we can't judge, so it counts as old.
var RuncFloors = []string{"1.2.8", "1.3.6", "1.4.3"}

// RuncIsOld says of a version, as "runc --version" or an engine gives it, that
// its sandboxes can be left by somebody who tries. What can't be read is old.
func RuncIsOld(version string) bool {
	v, ok := readVersion(version)
	if !ok {
		return true
	}
	for _, text := range RuncFloors {
		floor, _ := readVersion(text)
		if v[0] == floor[0] && v[1] == floor[1] {
			// A candidate of the very release that mends it is not it.
			return v[2] < floor[2] || v[2] == floor[2] && strings.Contains(version, "-rc")
		}
	}
	last, _ := readVersion(RuncFloors[len(RuncFloors)-1])
	return v[0] < last[0] || v[0] == last[0] && v[1] < last[1]
}

func readVersion(s string) (v [3]int, ok bool) {
	s = strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(s, "runc version")), "v")
	s, _, _ = strings.Cut(s, "\n")
	n, _ := fmt.Sscanf(s, "%d.%d.%d", &v[0], &v[1], &v[2])
	return v, n == 3
}
