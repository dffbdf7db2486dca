package docker

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/moby/client"
)

// about is what an engine is and can.
type about struct {
	name   string // Docker 20.10.24, Podman 4.3.1
	podman bool
	runc   string // its version; empty when the engine doesn't say
	limits bool   // memory and processes
	disk   bool   // a size for each container's files
	userns bool   // containers have users of their own
}

var runcVersion = regexp.MustCompile(`runc version (\S+)`)

func ask(ctx context.Context, engine *client.Client) (about, error) {
	v, err := engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return about{}, fmt.Errorf("reach the engine (is it running, and may we use its socket?): %w", err)
	}
	got, err := engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return about{}, fmt.Errorf("ask the engine what it can: %w", err)
	}
	a := about{name: "Docker " + v.Version, limits: got.Info.MemoryLimit && got.Info.PidsLimit}
	for _, c := range v.Components {
		switch {
		case strings.HasPrefix(c.Name, "Podman"):
			a.podman, a.name = true, "Podman "+c.Version
		case c.Name == "runc":
			a.runc = c.Version
		}
		if m := runcVersion.FindStringSubmatch(c.Version); m != nil {
			a.runc = m[1]
		}
	}
	a.userns = slices.ContainsFunc(got.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=userns") })
	for _, s := range got.Info.DriverStatus {
		// The only file system on which an engine bounds a container's files,
		// where it is mounted for that: Create finds out.
		a.disk = a.disk || s[0] == "Backing Filesystem" && s[1] == "xfs"
	}
	return a, nil
}

func (a about) weaknesses() []string {
	out := []string{}
	if !a.userns {
		out = append(out, "root in a lab is root of this machine without its capabilities: there is no user namespace (Docker: userns-remap)")
	}
	if !a.limits {
		out = append(out, "memory or processes can't be limited")
	}
	if !a.disk {
		out = append(out, "a lab can fill the engine's disk: sizes need xfs with pquota")
	}
	return out
}
