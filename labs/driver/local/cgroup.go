package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// Each sandbox has two cgroups: the learner's, with the limits of its Spec,
// and the agent's, with fixed small ones. So whatever the learner does, the
// agent still answers, and tells them what happened.
//
// The agents of all sandboxes have a parent of their own, beside the learners':
// an agent below the learners' would have their part of the CPU, and a key
// would wait until other learners' hogs have had their turn.
const (
	learnerGroup = "lab"
	agentGroup   = "agent" // in a sandbox's folder: older servers made it there
	agentsSuffix = "-agents"

	agentMemory = 128 << 20
	agentPids   = 128

	// All agents together, where one program of the host has 1024. What they do
	// is short: an agent with much to say waits for the server to listen.
	agentsShares = 4096
	agentsWeight = 400 // the same in version 2, where one has 100
)

func learners(parent, id string) string { return filepath.Join(parent, id, learnerGroup) }
func agents(parent, id string) string   { return filepath.Join(parent+agentsSuffix, id) }

// groupsOf are the cgroups of a sandbox in one hierarchy that processes may be in.
func groupsOf(parent, id string) []string {
	return []string{learners(parent, id), agents(parent, id), filepath.Join(parent, id, agentGroup)}
}

// cgroups knows the hierarchies that limit memory, processes and CPU time,
// version 1 and 2 alike.
type cgroups struct {
	version int // 0: none that we may use
	parents []string
	cpu     bool
}

// findCgroups looks for hierarchies that this process may use. name is the
// folder all its sandboxes share there.
func findCgroups(name string) (cgroups, error) {
	if os.Geteuid() != 0 {
		return cgroups{}, nil
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return cgroups{}, err
	}
	defer f.Close()
	v1, v2 := map[string]string{}, ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		left, right, ok := strings.Cut(sc.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			continue
		}
		switch r[0] {
		case "cgroup2":
			v2 = l[4]
		case "cgroup":
			for _, opt := range strings.Split(r[2], ",") {
				v1[opt] = l[4]
			}
		}
	}
	if v1["memory"] != "" && v1["pids"] != "" {
		g := cgroups{version: 1, cpu: v1["cpu"] != ""}
		for _, c := range []string{"memory", "pids", "cpu"} {
			if v1[c] == "" {
				continue
			}
			if parent := filepath.Join(v1[c], name); !slices.Contains(g.parents, parent) {
				g.parents = append(g.parents, parent)
			}
		}
		return g.usable()
	}
	if v2 == "" {
		return cgroups{}, nil
	}
	have, err := os.ReadFile(filepath.Join(v2, "cgroup.controllers"))
	if err != nil {
		return cgroups{}, err
	}
	names := strings.Fields(string(have))
	if !slices.Contains(names, "memory") || !slices.Contains(names, "pids") {
		return cgroups{}, nil
	}
	g := cgroups{version: 2, cpu: slices.Contains(names, "cpu"), parents: []string{filepath.Join(v2, name)}}
	if err := g.delegate(v2); err != nil {
		return cgroups{}, nil // read-only, or not ours to arrange: Probe says so
	}
	return g.usable()
}

// usable makes the shared folders, or gives up where they can't be made.
func (g cgroups) usable() (cgroups, error) {
	for _, parent := range g.parents {
		if err := g.makeParent(parent); err != nil {
			return cgroups{}, nil //nolint:nilerr // mounted read-only, say: Probe says so
		}
	}
	return g, nil
}

func (g cgroups) makeParent(parent string) error {
	for _, dir := range []string{parent, parent + agentsSuffix} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if g.version == 2 {
			if err := g.delegate(dir); err != nil {
				return err
			}
		}
	}
	return g.prefer(parent + agentsSuffix)
}

// prefer gives the agents' folder its part of the CPU.
func (g cgroups) prefer(dir string) error {
	file, value := "cpu.shares", agentsShares
	if g.version == 2 {
		file, value = "cpu.weight", agentsWeight
	}
	err := writeGroup(dir, file, strconv.Itoa(value))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another hierarchy's
	}
	return err
}

// leave removes the shared folders, if no sandbox is in them.
func (g cgroups) leave() {
	for _, parent := range g.parents {
		_ = unix.Rmdir(parent + agentsSuffix)
		_ = unix.Rmdir(parent)
	}
}

// delegate lets a version 2 cgroup's children be limited.
func (g cgroups) delegate(dir string) error {
	want := "+memory +pids"
	if g.cpu {
		want += " +cpu"
	}
	return writeGroup(dir, "cgroup.subtree_control", want)
}

func writeGroup(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		return fmt.Errorf("set %s to %s: %w", file, value, err)
	}
	return nil
}

// create makes both cgroups of a sandbox with their limits.
func (g cgroups) create(id string, l labs.Limits) error {
	for _, parent := range g.parents {
		if err := g.makeParent(parent); err != nil {
			return err
		}
		// With its parent, which another process may have found empty just now.
		if err := os.MkdirAll(filepath.Join(parent, id), 0o755); err != nil {
			return err
		}
		if g.version == 2 {
			if err := g.delegate(filepath.Join(parent, id)); err != nil {
				return err
			}
		}
		for dir, lim := range map[string]labs.Limits{
			learners(parent, id): l,
			agents(parent, id):   {MemoryBytes: agentMemory, Pids: agentPids, CPUs: l.CPUs},
		} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := g.limit(dir, lim); err != nil {
				return err
			}
		}
	}
	return nil
}

// limitsSwap reports whether swap counts as memory does; some kernels don't
// account it.
func (g cgroups) limitsSwap() bool {
	for _, parent := range g.parents {
		for _, file := range []string{"memory.memsw.limit_in_bytes", "memory.swap.max"} {
			if _, err := os.Stat(filepath.Join(parent, file)); err == nil {
				return true
			}
		}
	}
	return false
}

const cpuPeriod = 100000 // microseconds

// limit writes whatever limits dir's hierarchy has.
func (g cgroups) limit(dir string, l labs.Limits) error {
	mem, pids := strconv.FormatInt(l.MemoryBytes, 10), strconv.Itoa(l.Pids)
	quota := strconv.Itoa(max(1000, int(l.CPUs*cpuPeriod)))
	period := strconv.Itoa(cpuPeriod)
	// Swap's file is absent on kernels that don't account it.
	files := []struct {
		name, value string
		optional    bool
	}{
		{"memory.limit_in_bytes", mem, false},
		{"memory.memsw.limit_in_bytes", mem, true},
		{"memory.swappiness", "0", true},
		{"pids.max", pids, false},
		{"cpu.cfs_period_us", period, true},
		{"cpu.cfs_quota_us", quota, true},
	}
	if g.version == 2 {
		files = files[:0]
		files = append(files, []struct {
			name, value string
			optional    bool
		}{
			{"memory.max", mem, false},
			{"memory.swap.max", "0", true},
			{"pids.max", pids, false},
			{"cpu.max", quota + " " + period, true},
		}...)
	}
	for _, f := range files {
		err := writeGroup(dir, f.name, f.value)
		if errors.Is(err, fs.ErrNotExist) && (f.optional || g.version == 1) {
			continue // another hierarchy's
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// joinThread moves the calling thread to the agent's cgroup, and so whatever
// it forks. Moving oneself spares the wait for an RCU grace period that
// moving another process costs, more than all the rest of a start.
func (g cgroups) joinThread(id string) error {
	if g.version != 1 {
		return nil
	}
	for _, parent := range g.parents {
		if err := writeGroup(agents(parent, id), "tasks", "0"); err != nil {
			return err
		}
	}
	return nil
}

// agentDir is where a version 2 child is to be born.
func (g cgroups) agentDir(id string) (*os.File, error) {
	if g.version != 2 {
		return nil, nil
	}
	return os.Open(agents(g.parents[0], id))
}

// learnerFiles are what the agent writes to, to move a process to the
// learner's cgroup.
func (g cgroups) learnerFiles(id string) (files []*os.File, kind string, err error) {
	name, kind := "tasks", proto.CgroupThread
	if g.version == 2 {
		name, kind = "cgroup.procs", proto.CgroupProcess
	}
	for _, parent := range g.parents {
		f, err := os.OpenFile(filepath.Join(learners(parent, id), name), os.O_WRONLY, 0)
		if err != nil {
			closeAll(files)
			return nil, "", err
		}
		files = append(files, f)
	}
	return files, kind, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (g cgroups) list() (ids []string) {
	for _, parent := range g.parents {
		for _, dir := range []string{parent, parent + agentsSuffix} {
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if e.IsDir() && !slices.Contains(ids, e.Name()) {
					ids = append(ids, e.Name())
				}
			}
		}
	}
	return ids
}

func (g cgroups) exist(id string) bool {
	for _, parent := range g.parents {
		for _, dir := range []string{filepath.Join(parent, id), agents(parent, id)} {
			if st, err := os.Stat(dir); err == nil && st.IsDir() {
				return true
			}
		}
	}
	return false
}

// kill ends whatever of a sandbox runs in its cgroups, and gives a pidfd of
// each, the caller's to close. A server with a thread on its way through
// them, and what that thread called for, live with us in one pid namespace,
// and are no sandbox.
func (g cgroups) kill(id string) (pidfds []int) {
	ours, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return nil
	}
	for _, parent := range g.parents {
		for _, dir := range groupsOf(parent, id) {
			raw, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			for _, f := range strings.Fields(string(raw)) {
				theirs, err := os.Readlink("/proc/" + f + "/ns/pid")
				pid, e := strconv.Atoi(f)
				if err != nil || e != nil || theirs == ours {
					continue
				}
				if fd, err := unix.PidfdOpen(pid, 0); err == nil {
					pidfds = append(pidfds, fd)
				}
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
	}
	return pidfds
}

// remove waits until the kernel lets the cgroups go, which is a moment after
// their last process has ended.
func (g cgroups) remove(ctx context.Context, id string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := g.removeOnce(id)
		if err == nil || !errors.Is(err, unix.EBUSY) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (g cgroups) removeOnce(id string) error {
	for _, parent := range g.parents {
		for _, dir := range append(groupsOf(parent, id), filepath.Join(parent, id)) {
			err := unix.Rmdir(dir)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("remove cgroup: %w", err)
			}
		}
	}
	return nil
}
