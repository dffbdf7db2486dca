package local_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs/driver/local"
)

// residue is everything of d's sandboxes that a host could be left with.
func residue(t *testing.T, d *local.Driver, state string) string {
	t.Helper()
	var all []string
	add := func(kind string, lines ...string) {
		for _, l := range lines {
			all = append(all, kind+" "+l)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, state) || strings.Contains(line, "/tmp/l") {
			add("mount", line)
		}
	}
	_ = filepath.WalkDir(state, func(p string, e fs.DirEntry, err error) error {
		if err == nil && (!strings.Contains(p, "/.disks/") || strings.Contains(p, "/.new-")) {
			add("file", p)
		}
		return nil
	})
	for _, parent := range d.Cgroups() {
		entries, _ := os.ReadDir(parent)
		for _, e := range entries {
			if e.IsDir() {
				add("cgroup", filepath.Join(parent, e.Name()))
			}
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, l := range loops {
		if raw, err := os.ReadFile(l); err == nil && strings.HasPrefix(string(raw), state) {
			add("loop", string(raw))
		}
	}
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sockets)) {
		if strings.Contains(line, state) {
			add("socket", line)
		}
	}
	self, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if len(self) > 60 {
		add("descriptors", "too many of this process")
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	me := " " + itoa(os.Getpid()) + " "
	for _, p := range stats {
		raw, _ := os.ReadFile(p)
		groups, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cgroup"))
		for _, parent := range d.Cgroups() {
			if strings.Contains(string(groups), filepath.Base(parent)) {
				add("process", string(raw))
				break
			}
		}
		i := bytes.LastIndexByte(raw, ')')
		if i > 0 && len(raw) > i+4 && raw[i+2] == 'Z' && strings.HasPrefix(string(raw[i+3:]), me) && bytes.Contains(raw, []byte("(lab-")) {
			add("zombie", string(raw[:i]))
		}
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

// settled waits until there is no residue that wasn't there before: the kernel
// lets go of a dead sandbox's disk on its own, a moment later.
func settled(t *testing.T, d *local.Driver, state, before string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var more []string
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); <-tick.C {
		more = nil
		for line := range strings.Lines(residue(t, d, state)) {
			if line = strings.TrimSpace(line); !strings.Contains(before, line) {
				more = append(more, line)
			}
		}
		if len(more) == 0 {
			return
		}
	}
	t.Errorf("left are:\n%s", strings.Join(more, "\n"))
}
