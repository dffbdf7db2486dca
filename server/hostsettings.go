package server

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
)

// lookAtHost says how this machine is set, as far as it matters to learners
// who share it. Nothing of it keeps the server from starting.
func lookAtHost() []Finding {
	var fs []Finding
	good := func(name, detail string, args ...any) {
		fs = append(fs, Finding{name, OK, hub.Phrasef(detail, args...)})
	}
	weak := func(name string, detail, advice hub.Phrase) {
		fs = append(fs, Finding{name, Limited, but(detail, advice)})
	}
	switch readSetting("/sys/devices/system/cpu/smt/active") {
	case "1":
		weak("SMT", hub.Phrasef("on"), hub.Phrasef("two labs may share a core, and guess at each other by its timing; nosmt turns it off"))
	case "0":
		good("SMT", "off")
	default:
		good("SMT", "not told (a virtual machine's host decides)")
	}
	if readSetting("/sys/kernel/mm/ksm/run") == "1" {
		weak("KSM", hub.Phrasef("on"), hub.Phrasef("equal pages of two labs can be told by their timing; echo 2 >/sys/kernel/mm/ksm/run"))
	} else {
		good("KSM", "off")
	}
	if !strings.Contains(readSetting("/proc/sys/kernel/seccomp/actions_avail"), "errno") {
		weak("seccomp", hub.Phrasef("not in this kernel"), hub.Phrasef("no sandbox can be made"))
	} else {
		good("seccomp", "filters")
	}
	if pattern := readSetting("/proc/sys/kernel/core_pattern"); strings.HasPrefix(pattern, "|") || strings.HasPrefix(pattern, "@") {
		// Sandboxes opt out (stage0.confine); another program of the host's may not.
		good("core dumps", "go to %s, but not from labs", strings.TrimLeft(strings.Fields(pattern)[0], "|@"))
	} else {
		good("core dumps", "go to files, but not from labs")
	}
	if open := weaknesses("/sys/devices/system/cpu/vulnerabilities"); open != "" {
		weak("CPU", hub.Phrasef("open to %s", open), hub.Phrasef("keep microcode and kernel current"))
	} else {
		good("CPU", "nothing known is open")
	}
	if readSetting("/proc/sys/kernel/dmesg_restrict") == "0" {
		weak("kernel log", hub.Phrasef("open to every user of this machine"), hub.Phrasef("labs can't read it; sysctl kernel.dmesg_restrict=1 closes it to others"))
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
		return []Finding{{"runc", OK, hub.Word(version)}}
	case driver == "local":
		return []Finding{{"runc", OK, hub.Phrasef("%s is old, and not used: the local driver needs none", version)}}
	}
	return []Finding{{"runc", Missing, hub.Phrasef("%s can be broken out of: %s or later of their lines are wanted", version, strings.Join(labs.RuncFloors, ", "))}}
}
