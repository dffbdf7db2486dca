package scenario

import (
	"regexp"
	"strings"
)

var (
	// asked finds a program that is called where it is there: what follows is
	// the case that it is.
	asked = regexp.MustCompile(`\b(?:command +-v|type(?: +-\S+)*|which|hash) +(\w+)(?: *(?:\d|&)?>(?:&\d| *\S+))* *(?:&&|;?\s*then\b)`)
	// refused finds one that is asked for where it isn't.
	refused = regexp.MustCompile(`! *(?:command +-v|type(?: +-\S+)*|which|hash) +(\w+)`)
	// tried finds a call whose failure is none, or has something else to do.
	tried = regexp.MustCompile(`(?m)(?:\b|^)(?:sudo +)?(?:systemctl|hostnamectl|timedatectl|journalctl|loginctl|sysctl|modprobe|swapoff) [^\n|;&]*(?:&?\d?>(?:&\d| *[^\s;|&]+) *)*\|\| *(?:true\b|:|hostname\b|echo\b)`)
)

// withoutSpare is a set-up script without those calls to systemd and for
// privileges that it does without where they fail.
func withoutSpare(src string) string {
	src = strings.ReplaceAll(src, "\\\n", " ")
	settled := map[string]bool{} // each name once: the script may ask a thousand times
	for _, m := range refused.FindAllStringSubmatch(src, -1) {
		settled[m[1]] = true
	}
	for _, m := range asked.FindAllStringSubmatch(src, -1) {
		name := m[1]
		if need := tools[name]; settled[name] || name != "systemctl" && need != "systemd" && need != "privileged" {
			continue
		}
		settled[name] = true
		src = regexp.MustCompile(`(?m)(^|[\s;&|(])`+name+`( |$)`).ReplaceAllString(src, "${1}true ")
	}
	return tried.ReplaceAllString(src, "true")
}
