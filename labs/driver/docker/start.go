package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/image"
)

// Files of a sandbox's folder, beside package place's.
const (
	imageFile  = "image" // the digest it was made of
	fromFile   = "from"  // the engine's name of the snapshot it began with, if any
	dockFolder = "dock"  // proto.DockDir inside
)

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// build makes the sandbox in its empty folder, which the caller has locked. On
// an error it leaves what there is to Driver.remove.
func (d *Driver) build(ctx context.Context, dir string, spec labs.Spec, root image.Root, from kept) error {
	spec.Limits, spec.Env = spec.Limits.WithDefaults(), root.EnvWith(spec.Env)
	if err := os.WriteFile(filepath.Join(dir, imageFile), []byte(root.Digest), 0o600); err != nil {
		return err
	}
	if err := d.images.Hold(root.Digest, dir); err != nil {
		return err
	}
	ref, err := from.Ref, error(nil)
	if ref == "" {
		ref, err = d.handOver(ctx, root)
	} else {
		err = os.WriteFile(filepath.Join(dir, fromFile), []byte(ref), 0o600)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if d.about.apart {
		err = d.berthApart(ctx, dir, spec, ref, from)
	} else {
		err = d.berth(ctx, dir, spec, ref, from)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, readyFile), nil, 0o600)
}

// berth starts the container and hands its first process what only the host has.
func (d *Driver) berth(ctx context.Context, dir string, spec labs.Spec, ref string, from kept) error {
	if err := os.Mkdir(filepath.Join(dir, dockFolder), 0o700); err != nil {
		return err
	}
	dock, err := listenAtDock(filepath.Join(dir, dockFolder))
	if err != nil {
		return fmt.Errorf("make the dock: %w", err)
	}
	defer dock.Close()
	agent, err := place.Listen(dir)
	if err != nil {
		return fmt.Errorf("make the agent's socket: %w", err)
	}
	defer agent.Close()
	id, pid, err := d.launch(ctx, dir, spec, ref, from)
	if err != nil {
		return err
	}
	group, err := splitGroup(pid, spec.Limits)
	if err != nil {
		return fmt.Errorf("limit the container: %w", err)
	}
	defer group.close()
	d.furnish(ctx, spec.ID)
	if err := serveDock(ctx, dock, dir, agent, spec, from, group); err != nil {
		return d.why(ctx, dir, id, err)
	}
	if err := os.Remove(filepath.Join(dir, dockFolder, dockName)); err != nil {
		return err
	}
	if err := agent.Close(); err != nil { // from here on a dead agent's socket refuses
		return err
	}
	if err := place.Await(ctx, dir); err != nil {
		return d.why(ctx, dir, id, err)
	}
	return nil
}

// berthApart does so where nothing of this host's can be handed over.
func (d *Driver) berthApart(ctx context.Context, dir string, spec labs.Spec, ref string, from kept) error {
	if err := d.supply(ctx, ref); err != nil {
		return err
	}
	id, _, err := d.launch(ctx, dir, spec, ref, from)
	if err != nil {
		return err
	}
	conn, err := d.dialThrough(ctx, spec.ID)
	if err == nil {
		err = place.Greeted(ctx, conn)
	}
	if err != nil {
		return d.why(ctx, dir, id, err)
	}
	return nil
}

// launch makes the container and starts it. It returns the engine's name for it,
// and the number of its process 1 where that runs.
func (d *Driver) launch(ctx context.Context, dir string, spec labs.Spec, ref string, from kept) (id string, pid int, err error) {
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	// Podman keeps half a container of whoever hangs up meanwhile, and then can
	// list none: so nobody does, however hasty.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	made, err := d.engine.ContainerCreate(whole, d.options(dir, spec, ref))
	if err != nil {
		return "", 0, fmt.Errorf("make the container: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	if from.Ref != "" {
		err = d.level(whole, made.ID)
	}
	if err == nil && d.about.apart {
		err = d.say(whole, dir, made.ID, spec, from)
	}
	if err != nil {
		return "", 0, err
	}
	if _, err := d.engine.ContainerStart(whole, made.ID, client.ContainerStartOptions{}); err != nil {
		return "", 0, d.why(ctx, dir, made.ID, fmt.Errorf("start the container: %w", err))
	}
	got, err := d.engine.ContainerInspect(ctx, made.ID, client.ContainerInspectOptions{})
	if err != nil {
		return "", 0, fmt.Errorf("look at the container: %w", err)
	}
	if got.Container.State == nil || got.Container.State.Pid <= 0 {
		return "", 0, d.why(ctx, dir, made.ID, errors.New("the container ended at once"))
	}
	return made.ID, got.Container.State.Pid, nil
}

// why adds to err what the engine and the agent say about it.
func (d *Driver) why(ctx context.Context, dir, id string, err error) error {
	if got, inspectErr := d.engine.ContainerInspect(context.WithoutCancel(ctx), id, client.ContainerInspectOptions{}); inspectErr == nil {
		if s := got.Container.State; s != nil && !s.Running && (s.Error != "" || s.ExitCode != 0) {
			err = fmt.Errorf("%w; the engine says: status %d %s", err, s.ExitCode, s.Error)
		}
	}
	said := place.Said(dir)
	if d.about.apart {
		said = d.saidApart(ctx, id)
	}
	if said != "" {
		err = fmt.Errorf("%w; the agent said: %s", err, said)
	}
	return err
}

// saidApart is the end of what the agent wrote, as the engine has it.
func (d *Driver) saidApart(ctx context.Context, id string) string {
	logs, err := d.engine.ContainerLogs(context.WithoutCancel(ctx), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "20"})
	if err != nil {
		return ""
	}
	defer logs.Close()
	var out strings.Builder
	_, _ = stdcopy.StdCopy(&out, &out, io.LimitReader(logs, 4096))
	return strings.TrimSpace(out.String())
}

var dockName = filepath.Base(proto.DockSocket)

// listenAtDock is a socket that the container reaches through a read-only
// mount: it can connect, and nothing else.
func listenAtDock(dir string) (*os.File, error) {
	at, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "dock")
	path := "/proc/self/fd/" + strconv.Itoa(int(at.Fd())) + "/" + dockName
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		f.Close()
		return nil, err
	}
	// With users of its own the container's root is not ours.
	if err := errors.Join(os.Chmod(filepath.Join(dir, dockName), 0o666), os.Chmod(dir, 0o711)); err != nil {
		f.Close()
		return nil, err
	}
	if err := unix.Listen(fd, 1); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// serveDock waits for the container's first process and hands over what it is
// to be the agent with.
func serveDock(ctx context.Context, dock *os.File, dir string, agent *os.File, spec labs.Spec, from kept, g group) error {
	conn, err := accept(ctx, dock)
	if err != nil {
		return fmt.Errorf("wait for the container: %w", err)
	}
	defer unix.Close(conn)
	log, err := os.OpenFile(filepath.Join(dir, place.LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	boot := proto.Boot{ID: spec.ID, CgroupKind: g.kind}
	for i := range g.files {
		boot.Cgroups = append(boot.Cgroups, proto.BootFD+1+i)
	}
	bootFile, err := place.MemoryJSON("boot", boot)
	if err != nil {
		return err
	}
	defer bootFile.Close()
	packet, err := json.Marshal(proto.Dock{Env: place.Environment(spec.Env), Files: from.Files})
	if err != nil {
		return err
	}
	fds := []int{int(agent.Fd()), int(bootFile.Fd()), int(log.Fd())}
	for _, f := range g.files {
		fds = append(fds, int(f.Fd()))
	}
	if err := unix.Sendmsg(conn, packet, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("hand over to the container: %w", err)
	}
	return nil
}

func accept(ctx context.Context, dock *os.File) (int, error) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(dock.Fd()), Events: unix.POLLIN}}, 50)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return -1, err
		}
		if n > 0 {
			fd, _, err := unix.Accept4(int(dock.Fd()), unix.SOCK_CLOEXEC)
			if err == nil || !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				return fd, err
			}
		}
		if err := ctx.Err(); err != nil {
			return -1, err
		}
	}
}

// awaitGone waits for a removal that somebody else has begun.
func (d *Driver) awaitGone(ctx context.Context, name string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := d.engine.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
