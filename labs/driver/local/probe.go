package local

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/words"
)

// A Finding is one thing a sandbox needs, and whether this machine has it.
type Finding struct {
	Name        string `json:"name"`
	OK          bool   `json:"ok"`
	Detail      string `json:"detail"`
	Consequence string `json:"consequence,omitempty"` // of not having it
}

// Report is what this machine offers.
type Report struct {
	Findings []Finding `json:"findings"`

	// Works says that sandboxes can be made at all.
	Works bool `json:"works"`
	// MultiLearner says that the memory and the processes of a sandbox can be
	// limited. Where they can't, one learner can take the whole machine, so
	// there should be only one.
	MultiLearner bool `json:"multi_learner"`
}

// Probe asks the kernel. It changes nothing, and starts one process that ends
// at once.
func Probe(ctx context.Context) Report {
	var r Report
	add := func(name string, ok bool, detail, consequence string) {
		if ok {
			consequence = ""
		}
		r.Findings = append(r.Findings, Finding{name, ok, detail, consequence})
	}
	root := os.Geteuid() == 0
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	add("kernel", atLeast(unix.ByteSliceToString(uts.Release[:]), 5, 19), "Linux "+unix.ByteSliceToString(uts.Release[:]),
		words.Mark("images can't be given to a sandbox's own users before 5.19"))
	add("runs as", root, map[bool]string{true: words.Mark("root"), false: words.Mark("an ordinary user")}[root],
		words.Mark("one learner only; what is marked below isn't enforced"))

	err := tryNamespaces(ctx)
	detail := words.Kept("user, pid, net, mnt, ipc, uts and cgroup can be made; %s", namespaceLimits())
	if err != nil {
		detail = err.Error() + namespaceHint() + "; " + namespaceLimits()
	}
	add("namespaces", err == nil, detail, words.Mark("no sandbox can be made"))
	r.Works = err == nil

	ids, err := findIDMap()
	switch {
	case err != nil:
		add("users inside", false, err.Error(), words.Mark("only root exists inside"))
	case ids.root:
		detail, free := findRanges("/etc/subuid", "/etc/subgid")
		add("users inside", free, detail, words.Mark("a learner who broke out would be that user, and that user's programs the learner's"))
	case ids.wide():
		add("users inside", true, words.Mark("your range in /etc/subuid, shared by your sandboxes"), "")
	default:
		add("users inside", false, words.Mark("no newuidmap, or no range for you in /etc/subuid and /etc/subgid"),
			words.Mark("only root exists inside: su, useradd and chown to others fail"))
	}

	groups, err := findCgroups("cmh-probe")
	swapLimited := groups.limitsSwap()
	groups.leave()
	limited := err == nil && groups.version != 0
	detail = words.Mark("not available")
	if limited {
		detail = words.Kept("cgroups of version %d", groups.version)
	}
	add("memory limit", limited, detail, words.Mark("a sandbox can take all memory of this machine"))
	add("process limit", limited, detail, words.Mark("held by a resource limit of the sandbox's user namespace instead"))
	add("CPU limit", limited && groups.cpu, detail, words.Mark("a sandbox can take all CPU time"))
	r.MultiLearner = limited

	watchers, enough := findWatchers()
	add("file watches", enough, watchers,
		words.Kept("a few learners can take them all, and no lab's check can hold its tools: set it to %d", manyWatchers))

	filesystems, _ := os.ReadFile("/proc/filesystems")
	add("overlay", strings.Contains(string(filesystems), "\toverlay\n"), words.Mark("in this kernel"), words.Mark("it may be a module that is loaded on demand; without it no sandbox can be made"))

	disk := findDisks("").mkfs != ""
	add("disk", disk, map[bool]string{true: words.Mark("ext4 on a loop device"), false: words.Mark("memory (tmpfs)")}[disk],
		words.Mark("a learner's files are kept in memory, and bounded by it"))
	switch {
	case !swapOn():
		add("swap", true, words.Mark("off"), "")
	case limited && !swapLimited:
		add("swap", false, words.Mark("on, and this kernel doesn't limit it (boot it with swapaccount=1)"), words.Mark("a sandbox can fill it, and what learners type may reach the host's disk"))
	default:
		add("swap", false, words.Mark("on, closed to sandboxes"), words.Mark("what the server knows may reach the host's disk"))
	}
	return r
}

func atLeast(release string, major, minor int) bool {
	var a, b int
	for i, part := range strings.SplitN(release, ".", 3) {
		n := 0
		for _, c := range part {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + int(c-'0')
		}
		switch i {
		case 0:
			a = n
		case 1:
			b = n
		}
	}
	return a > major || a == major && b >= minor
}

// tryNamespaces makes them as a sandbox would, for a process that does
// nothing.
func tryNamespaces(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	m := idMap{root: os.Geteuid() == 0, uid: os.Geteuid(), gid: os.Getegid()}
	m.apply(cmd.SysProcAttr, 0)
	return cmd.Run()
}

// namespaceLimits are the settings that bound who makes them and how many: each
// sandbox takes two user namespaces.
func namespaceLimits() string {
	var all []string
	for _, file := range []string{"user/max_user_namespaces", "kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone"} {
		if raw, err := os.ReadFile("/proc/sys/" + file); err == nil {
			all = append(all, strings.ReplaceAll(file, "/", ".")+" is "+strings.TrimSpace(string(raw)))
		}
	}
	return strings.Join(all, ", ")
}

// namespaceHint names the usual switch that forbids them.
func namespaceHint() string {
	for file, off := range map[string]string{
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
		"/proc/sys/user/max_user_namespaces":                     "0",
	} {
		if raw, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(raw)) == off {
			return "; " + file + " is " + off
		}
	}
	return ""
}

func swapOn() bool {
	raw, err := os.ReadFile("/proc/swaps")
	return err == nil && strings.Count(string(raw), "\n") > 1
}
