package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/words"
)

// maxHosts is how many machines one lab may be.
const maxHosts = 4

// platformNames are what the platforms called the machines of a lab, the first
// one first. Address and Aliases are for all of them, whatever the lab calls
// its own.
var platformNames = [maxHosts][]string{{"host01", "controlplane"}, {"node01", "host02"}, {"node02", "host03"}, {"node03", "host04"}}

// Address is that of a lab's nth host, from 1. The texts of labs name it.
func Address(n int) string { return fmt.Sprintf("172.30.%d.2", n) }

// HostNames are all names of each host of s, its own first. No name is there
// twice.
func (s *Scenario) HostNames() [][]string {
	names := [][]string{{s.Hostname}}
	for _, h := range s.Hosts {
		names = append(names, []string{h.Name})
	}
	taken := map[string]bool{}
	for _, n := range names {
		taken[n[0]] = true
	}
	for i := range min(len(names), maxHosts) {
		for _, alias := range platformNames[i] {
			if !taken[alias] {
				names[i] = append(names[i], alias)
			}
		}
	}
	return names
}

// hostForm is what a machine may be called.
var hostForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`)

// labHost is one entry of lab.yaml's hosts: a name, or a name and an image.
type labHost struct {
	Name  string
	Image string
}

// UnmarshalYAML reads both forms.
func (h *labHost) UnmarshalYAML(decode func(any) error) error {
	if err := decode(&h.Name); err == nil {
		return nil
	}
	var long struct {
		Name  string `yaml:"name"`
		Image string `yaml:"image"`
	}
	if err := decode(&long); err != nil {
		return err
	}
	h.Name, h.Image = long.Name, long.Image
	return nil
}

// hostsWanted checks the hosts that an author lists.
func hostsWanted(hosts []labHost) error {
	switch {
	case len(hosts) > maxHosts:
		return errors.New(words.Kept("hosts: a lab can be %d hosts at most", maxHosts))
	case len(hosts) == 1:
		return errors.New(words.Kept("hosts: a lab is one host without saying so; name two or more"))
	}
	seen := map[string]bool{}
	for _, h := range hosts {
		if !hostForm.MatchString(h.Name) || h.Name == "localhost" {
			return errors.New(words.Kept("hosts: %q is no name for a host: use small letters, digits and hyphens", h.Name))
		}
		if seen[h.Name] {
			return errors.New(words.Kept("hosts: there are two of the name %s", h.Name))
		}
		seen[h.Name] = true
	}
	return nil
}

var (
	secondHost = regexp.MustCompile(`\b(?:node01|host02)\b|\b172\.30\.2\.2\b`)
	thirdHost  = regexp.MustCompile(`\b(?:node02|host03)\b|\b172\.30\.3\.2\b`)
)

// twoMachines reports whether the name of an image is one of several machines.
// Most authors who took one wanted something else of it, so what they wrote has
// to speak of the others too.
func twoMachines(imageID string) bool { return strings.Contains(imageID, "2nodes") }

// speaksOfMore reports whether the scenario uses a machine besides the first.
func (r *reader) speaksOfMore(s *Scenario, all string) bool {
	isOther := func(host string) bool { return secondHost.MatchString(strings.ToLower(host)) }
	return secondHost.MatchString(all) ||
		slices.ContainsFunc(r.others, func(a hostAssets) bool { return isOther(a.host) }) ||
		slices.ContainsFunc(s.Terminals, func(t Terminal) bool { return isOther(t.Host) })
}

// findHosts gives the scenario the machines that all, everything in it that is
// read or run, speaks of. What the author listed stays.
func (r *reader) findHosts(s *Scenario, all string) {
	if len(s.Hosts) > 0 {
		return
	}
	names := []string{"node01"}
	if strings.Contains(all, "host02") && !strings.Contains(all, "node01") {
		names[0] = "host02"
	}
	if thirdHost.MatchString(all) || slices.Contains(r.hosts, "HOST3") {
		names = append(names, map[string]string{"node01": "node02", "host02": "host03"}[names[0]])
	}
	for _, name := range names {
		s.Hosts = append(s.Hosts, Host{Name: name})
	}
}
