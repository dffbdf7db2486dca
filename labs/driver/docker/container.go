package docker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/driver/local"
)

// What the agent needs beside the learner's limits.
const (
	agentMemory = 64 << 20
	agentPids   = 64
)

func (d *Driver) options(dir string, spec labs.Spec, ref string) client.ContainerCreateOptions {
	l := spec.Limits
	host := spec.Hostname
	if host == "" {
		host = "lab"
	}
	masked, readOnly := local.ClosedPaths()
	pids := int64(l.Pids + agentPids)
	swappiness := int64(0)
	security := []string{"seccomp=" + d.profile}
	if !spec.AllowSetuid {
		security = append(security, "no-new-privileges:true")
	}
	if d.about.podman { // its Docker-like API knows these by another name only
		security = append(security, "mask="+strings.Join(masked, ":"))
	}
	h := bare()
	h.CapAdd = local.Capabilities()
	h.SecurityOpt, h.MaskedPaths, h.ReadonlyPaths = security, masked, readOnly
	h.ShmSize = min(64<<20, l.MemoryBytes/4)
	h.Tmpfs = map[string]string{"/run": "rw,nosuid,nodev,exec,mode=755,size=16m"}
	h.Resources = container.Resources{
		Memory: l.MemoryBytes + agentMemory, MemorySwap: l.MemoryBytes + agentMemory, MemorySwappiness: &swappiness,
		NanoCPUs: int64(math.Max(0.01, l.CPUs) * 1e9), PidsLimit: &pids,
		// Soft and hard are one: Podman 4 swaps them.
		Ulimits: []*container.Ulimit{
			{Name: "nofile", Soft: int64(l.OpenFiles), Hard: int64(l.OpenFiles)},
			{Name: "core"},
		},
	}
	command := []string{}
	if d.about.apart {
		command = []string{proto.ApartMode}
		h.Mounts = []mount.Mount{d.agentVolume(true)}
		h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "64k"}} // the agent's last words
	} else {
		h.Mounts = []mount.Mount{
			{Type: mount.TypeBind, Source: d.agent, Target: proto.DockBinary, ReadOnly: true},
			{Type: mount.TypeBind, Source: filepath.Join(dir, dockFolder), Target: proto.DockDir, ReadOnly: true},
		}
	}
	if d.about.podman {
		h.MemorySwappiness = nil // not on every kernel, and refused then
		// Its own default is more than some hosts may give. The cgroup holds.
		most := unix.Rlimit{Max: 4096}
		_ = unix.Getrlimit(unix.RLIMIT_NPROC, &most)
		n := int64(min(most.Max, 32768))
		h.Ulimits = append(h.Ulimits, &container.Ulimit{Name: "nproc", Soft: n, Hard: n})
	}
	if d.about.disk {
		h.StorageOpt = map[string]string{"size": strconv.FormatInt(l.DiskBytes, 10)}
	}
	config := d.config(ref, command)
	config.Hostname, config.Labels[sandboxLabel] = host, spec.ID
	return client.ContainerCreateOptions{Name: d.container(spec.ID), Config: config, HostConfig: h}
}

// config is of a container that runs the agent's binary.
func (d *Driver) config(ref string, command []string) *container.Config {
	return &container.Config{
		Image: ref, User: "0:0", WorkingDir: "/", Entrypoint: []string{proto.DockBinary}, Cmd: command, Labels: map[string]string{stateLabel: d.key},
	}
}

// bare is a container that can do nothing and is given nothing.
func bare() *container.HostConfig {
	no := false
	return &container.HostConfig{
		NetworkMode:   "none",
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig:     container.LogConfig{Type: "none"},
		CapDrop:       []string{"ALL"},
		CgroupnsMode:  container.CgroupnsModePrivate,
		IpcMode:       container.IPCModePrivate,
		Init:          &no,
	}
}

// containers are the ids of our sandboxes that the engine knows, in one state of
// the engine's or in any.
func (d *Driver) containers(ctx context.Context, state string) ([]string, error) {
	which := make(client.Filters).Add("label", stateLabel+"="+d.key)
	if state != "" {
		which = which.Add("status", state)
	}
	var list client.ContainerListResult
	for try := 0; ; try++ {
		var err error
		list, err = d.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: which})
		if err == nil {
			break
		}
		// Podman fails at a container that is removed just then.
		if try == tries || !strings.Contains(err.Error(), "container not known") && !cerrdefs.IsNotFound(err) || pause(ctx) != nil {
			return nil, err
		}
	}
	ids := []string{}
	for _, c := range list.Items {
		if id := c.Labels[sandboxLabel]; place.ValidID(id) && c.Labels[stateLabel] == d.key {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (d *Driver) removeContainer(ctx context.Context, id string) error {
	return d.removeNamed(ctx, d.container(id))
}

func (d *Driver) removeNamed(ctx context.Context, name string) error {
	for try := 0; ; try++ {
		_, err := d.engine.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case err == nil || cerrdefs.IsNotFound(err):
			return nil
		case cerrdefs.IsConflict(err): // somebody else is at it
			return d.awaitGone(ctx, name)
		case try == tries || pause(ctx) != nil: // Podman fails at one that ends just then
			return fmt.Errorf("remove the container: %w", err)
		}
	}
}

// tries is how often what Podman fails at for a moment is tried again.
const tries = 20

// pause waits before the next try.
func pause(ctx context.Context) error {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepAgent copies the agent to where an upgrade doesn't pull it away from
// under running sandboxes.
func (d *Driver) keepAgent(from string) (string, error) {
	raw, err := os.ReadFile(from)
	if err != nil {
		return "", fmt.Errorf("load the agent: %w", err)
	}
	return d.keep("agent", raw, 0o555)
}

// keep puts a file beside the sandboxes, under a name that says what is in it.
func (d *Driver) keep(name string, raw []byte, mode os.FileMode) (string, error) {
	to := filepath.Join(d.state, "."+name+"-"+digestOf(raw))
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	next, err := os.CreateTemp(d.state, ".next-")
	if err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	defer os.Remove(next.Name())
	_, err = next.Write(raw)
	err = errors.Join(err, next.Chmod(mode), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), to)
	}
	if err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	return to, nil
}
