package server

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs"
)

// lookAtHost says how this machine is set, as far as it matters to learners
// who share it. Nothing of it keeps the server from starting.
func lookAtHost() []Finding {
	var fs []Finding
	say := func(name, detail, advice string) {
		if advice != "" {
			fs = append(fs, Finding{name, Limited, detail + ": " + advice})
			return
		}
		fs = append(fs, Finding{name, OK, detail})
	}
	switch readSetting("/sys/devices/system/cpu/smt/active") {
	case "1":
		say("SMT", "on", "two labs may share a core, and guess at each other by its timing; nosmt turns it off")
	case "0":
		say("SMT", "off", "")
	default:
		say("SMT", "not told (a virtual machine's host decides)", "")
	}
	if readSetting("/sys/kernel/mm/ksm/run") == "1" {
		say("KSM", "on", "equal pages of two labs can be told by their timing; echo 2 >/sys/kernel/mm/ksm/run")
	} else {
		say("KSM", "off", "")
	}
	if !strings.Contains(readSetting("/proc/sys/kernel/seccomp/actions_avail"), "errno") {
		say("seccomp", "not in this kernel", "no sandbox can be made")
	} else {
		say("seccomp", "filters", "")
	}
	if pattern := readSetting("/proc/sys/kernel/core_pattern"); strings.HasPrefix(pattern, "|") || strings.HasPrefix(pattern, "@") {
		// Sandboxes opt out (stage0.confine); another program of the host's may not.
		say("core dumps", "go to "+strings.TrimLeft(strings.Fields(pattern)[0], "|@")+", but not from labs", "")
	} else {
		say("core dumps", "go to files, but not from labs", "")
	}
	if weak := weaknesses("/sys/devices/system/cpu/vulnerabilities"); weak != "" {
		say("CPU", "open to "+weak, "keep microcode and kernel current")
	} else {
		say("CPU", "nothing known is open", "")
	}
	if readSetting("/proc/sys/kernel/dmesg_restrict") == "0" {
		say("kernel log", "open to every user of this machine", "labs can't read it; sysctl kernel.dmesg_restrict=1 closes it to others")
	}
	return fs
}

func readSetting(path string) string {
	raw, _ := os.ReadFile(path)
	return strings.TrimSpace(string(raw))
}

// weaknesses are the names that the kernel calls vulnerable.
func weaknesses(dir string) string {
	entries, _ := os.ReadDir(dir)
	var weak []string
	for _, e := range entries {
		if strings.HasPrefix(readSetting(dir+"/"+e.Name()), "Vulnerable") {
			weak = append(weak, e.Name())
		}
	}
	return strings.Join(weak, ", ")
}

// lookAtRunc judges the runtime that an engine's sandboxes are made with. The
// local driver uses none.
func lookAtRunc(ctx context.Context, driver string) []Finding {
	path, err := exec.LookPath("runc")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, path, "--version").Output()
	version, _, _ := strings.Cut(strings.TrimPrefix(string(out), "runc version "), "\n")
	switch {
	case !labs.RuncIsOld(string(out)):
		return []Finding{{"runc", OK, version}}
	case driver == "local":
		return []Finding{{"runc", OK, version + " is old, and not used: the local driver needs none"}}
	}
	return []Finding{{"runc", Missing, version + " can be broken out of: " + strings.Join(labs.RuncFloors, ", ") + " or later of their lines are wanted"}}
}
