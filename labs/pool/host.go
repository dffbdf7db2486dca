package pool

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	freeMemory = 512 << 20 // beside a sixteenth of all
	freeDisk   = 2 << 30
	loadEach   = 4 // per processor
)

// Host says why this host has nothing to spare: little memory, much work, or
// little space where folder lies. What it can't find out is no reason.
func Host(folder string) func() string {
	return func() string {
		if load, ok := loadAverage(); ok && load > float64(loadEach*runtime.NumCPU()) {
			return fmt.Sprintf("the load is %.1f", load)
		}
		if total, free, ok := memory(); ok && free < freeMemory+total/16 {
			return fmt.Sprintf("%d MiB of memory are free", free>>20)
		}
		var st unix.Statfs_t
		if unix.Statfs(folder, &st) == nil && st.Bavail*uint64(st.Bsize) < freeDisk {
			return fmt.Sprintf("%d MiB are free in %s", st.Bavail*uint64(st.Bsize)>>20, folder)
		}
		return ""
	}
}

func loadAverage() (float64, bool) {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(raw), " ")
	load, err := strconv.ParseFloat(first, 64)
	return load, err == nil
}

func memory() (total, free uint64, ok bool) {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, false
	}
	read := func(name string) (bytes uint64) {
		_, rest, _ := strings.Cut(string(raw), name+":")
		if f := strings.Fields(rest); len(f) > 0 {
			kib, _ := strconv.ParseUint(f[0], 10, 64)
			bytes = kib << 10
		}
		return bytes
	}
	total, free = read("MemTotal"), read("MemAvailable")
	return total, free, free > 0
}
