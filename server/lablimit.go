package server

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// labLimits reads how many labs this machine may have at once, and how many of
// them on their way.
func labLimits(cfg Config) (running, starting int, err error) {
	if running, err = positive("lab-max", cfg.LabMax, roomFor(memory())); err == nil {
		starting, err = positive("lab-starts", cfg.LabStarts, max(4, runtime.NumCPU()))
	}
	return running, starting, err
}

func positive(name, s string, def int) (int, error) {
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, hub.Errorf(hub.Invalid, "%s must be a whole number above 0, not %q.", name, s)
	}
	return n, nil
}

// roomFor is how many labs fit into so much memory. Most of them use far less
// than they may, which is 512 MiB.
func roomFor(bytes uint64) int {
	const share = 128 << 20
	return int(min(max(bytes/share, 4), 1000))
}

// memory is how much this machine has; 0 when it doesn't say.
func memory() uint64 {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			kib, _ := strconv.ParseUint(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
