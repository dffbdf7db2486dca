package docker

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A group is the learner's part of the container's cgroups: files for moving a
// process there, and what to do with them. So whatever the learner does the
// agent still answers, as in package local. The engine removes it with its own.
type group struct {
	files []*os.File
	kind  string
}

func (g group) close() {
	for _, f := range g.files {
		f.Close()
	}
}

// splitGroup makes it below the cgroups of process 1, which is alone there yet.
// Where they are not ours to change there is none, and one limit holds for all.
func splitGroup(pid int, l labs.Limits) (group, error) {
	v1, v2, err := cgroupsOf(pid)
	if err != nil {
		return group{}, err
	}
	mem, pids := strconv.FormatInt(l.MemoryBytes, 10), strconv.Itoa(l.Pids)
	if v1["memory"] == "" || v1["pids"] == "" {
		return splitUnified(pid, v2, mem, pids)
	}
	g := group{kind: proto.CgroupThread}
	for controller, limits := range map[string][][2]string{
		"memory": {{"memory.limit_in_bytes", mem}, {"memory.memsw.limit_in_bytes", mem}},
		"pids":   {{"pids.max", pids}},
	} {
		dir := filepath.Join(v1[controller], "learner")
		if err := os.Mkdir(dir, 0o755); err != nil {
			g.close()
			return group{}, leave(err)
		}
		if err := limit(dir, limits); err != nil {
			g.close()
			return group{}, err
		}
		f, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
		if err != nil {
			g.close()
			return group{}, err
		}
		g.files = append(g.files, f)
	}
	return g, nil
}

// splitUnified does so with version 2, where a group with children has no
// processes of its own.
func splitUnified(pid int, at, mem, pids string) (group, error) {
	if at == "" {
		return group{}, nil
	}
	agent, learner := filepath.Join(at, "agent"), filepath.Join(at, "learner")
	for _, dir := range []string{agent, learner} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return group{}, leave(err)
		}
	}
	err := errors.Join(
		write(agent, "cgroup.procs", strconv.Itoa(pid)),
		write(at, "cgroup.subtree_control", "+memory +pids"),
		limit(learner, [][2]string{{"memory.max", mem}, {"memory.swap.max", "0"}, {"pids.max", pids}}),
	)
	if err != nil {
		return group{}, err
	}
	f, err := os.OpenFile(filepath.Join(learner, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return group{}, err
	}
	return group{[]*os.File{f}, proto.CgroupProcess}, nil
}

// leave makes nothing of an error that says that the groups aren't ours.
func leave(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func limit(dir string, files [][2]string) error {
	for _, f := range files {
		err := write(dir, f[0], f[1])
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(f[0], "sw") { // kernels that don't count swap
			continue
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", f[0], err)
		}
	}
	return nil
}

func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// cgroupsOf are the folders of a process's cgroups: of version 1 by controller,
// and of version 2.
func cgroupsOf(pid int) (v1 map[string]string, v2 string, err error) {
	mounts, v2mount, err := hierarchies()
	if err != nil {
		return nil, "", err
	}
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, "", err
	}
	v1 = map[string]string{}
	for line := range strings.Lines(string(raw)) {
		p := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(p) != 3 {
			continue
		}
		if p[1] == "" && v2mount != "" {
			v2 = filepath.Join(v2mount, p[2])
		}
		for c := range strings.SplitSeq(p[1], ",") {
			if mounts[c] != "" {
				v1[c] = filepath.Join(mounts[c], p[2])
			}
		}
	}
	return v1, v2, nil
}

func hierarchies() (v1 map[string]string, v2 string, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	v1 = map[string]string{}
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
			for opt := range strings.SplitSeq(r[2], ",") {
				v1[opt] = l[4]
			}
		}
	}
	return v1, v2, nil
}
