package scenario

import (
	"slices"
	"strings"
)

// answered reports whether the base image's own systemctl or hostnamectl does
// what these arguments ask: for services that have a script in /etc/init.d, and
// for the machine's name.
func answered(name string, args []string) bool {
	var words []string
	for _, a := range args {
		switch {
		case strings.ContainsAny(a, "<>"):
		case slices.Contains(strings.Fields("--now --quiet -q --no-pager --full -l --force -f"), a):
		case strings.HasPrefix(a, "-"):
			return false
		default:
			words = append(words, strings.Trim(a, `"'`))
		}
	}
	if len(words) == 0 {
		return name == "hostnamectl"
	}
	verb, units := words[0], words[1:]
	if name == "hostnamectl" {
		return slices.Contains(strings.Fields("set-hostname hostname status"), verb)
	}
	if verb == "daemon-reload" {
		return true
	}
	return slices.Contains(strings.Fields("start stop restart reload reload-or-restart try-restart force-reload enable disable status is-active is-enabled is-failed"), verb) &&
		len(units) > 0 && !slices.ContainsFunc(units, func(unit string) bool {
		return !slices.Contains(served, strings.TrimSuffix(unit, ".service"))
	})
}

// served are the services of the base image, by the names they have anywhere.
var served = strings.Fields("ssh sshd cron crond atd rsync")
