package docker

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/words"
)

// about is what an engine is and can.
type about struct {
	name   string // Docker 20.10.24, Podman 4.3.1
	podman bool
	runc   string // its version; empty when the engine doesn't say
	limits bool   // memory and processes
	disk   bool   // a size for each container's files
	tried  bool   // that disk is so
	userns bool   // containers have users of their own
	arch   string // amd64, arm64
	apart  bool   // it doesn't see this machine's files, nor we its processes
	open   bool   // everybody on the way to it can listen
}

var runcVersion = regexp.MustCompile(`runc version (\S+)`)

func ask(ctx context.Context, engine *client.Client, host string) (about, error) {
	v, err := engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return about{}, fmt.Errorf("reach the engine (is it running, and may we use its socket?): %w", err)
	}
	got, err := engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return about{}, fmt.Errorf("ask the engine what it can: %w", err)
	}
	if v.Os != "linux" {
		return about{}, fmt.Errorf("the engine makes containers for %s, and labs are Linux", v.Os)
	}
	a := about{
		name: "Docker " + v.Version, limits: got.Info.MemoryLimit && got.Info.PidsLimit, arch: v.Arch,
		apart: !strings.HasPrefix(host, "unix://") || !here(got.Info),
		open:  strings.HasPrefix(host, "tcp://") && os.Getenv("DOCKER_CERT_PATH") == "",
	}
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
	// Where an engine may bound a container's files. Over xfs it has to be mounted
	// for that, which only a try tells: see bounds.
	a.disk = got.Info.Driver == "btrfs" || got.Info.Driver == "zfs"
	for _, s := range got.Info.DriverStatus {
		a.disk = a.disk || strings.HasPrefix(got.Info.Driver, "overlay") && s[0] == "Backing Filesystem" && s[1] == "xfs"
	}
	return a, nil
}

// here says that the engine behind a socket of this machine is on it as well, and
// not in a virtual machine or outside the container that we are in.
func here(engine system.Info) bool {
	var own unix.Utsname
	if err := unix.Uname(&own); err != nil {
		return false
	}
	return unix.ByteSliceToString(own.Release[:]) == engine.KernelVersion && unix.ByteSliceToString(own.Nodename[:]) == engine.Name
}

func (a about) weaknesses() []string {
	out := []string{}
	if a.open {
		out = append(out, words.Mark("the way to the engine is neither encrypted nor signed for: who is on it is root there (DOCKER_CERT_PATH, or ssh://)"))
	}
	if a.apart {
		out = append(out, words.Mark("the engine is apart from this machine: each connection to a lab goes through it; a lab that takes all of its processes can't be entered until it is reset; labs of several hosts can't be had"))
	}
	if !a.userns {
		out = append(out, words.Mark("root in a lab is root of this machine without its capabilities: there is no user namespace (Docker: userns-remap)"))
	}
	if !a.limits {
		out = append(out, words.Mark("memory or processes can't be limited"))
	}
	if !a.disk {
		out = append(out, words.Mark("a lab can fill the engine's disk: sizes need overlay2 on xfs with pquota, btrfs or zfs"))
	} else if !a.tried {
		out = append(out, words.Mark("whether a lab's files are bounded is tried when the server starts: xfs needs pquota"))
	}
	return out
}
