package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/internal/place"
	"github.com/cloudmastershub/cmh/labs/driver/local/stage0"
	"github.com/cloudmastershub/cmh/labs/image"
)

const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// build makes the sandbox whose folder the caller has locked. On an error it
// leaves what there is to Driver.remove.
func (d *Driver) build(ctx context.Context, lock *place.Lock, spec labs.Spec, root image.Root, from string) error {
	spec.Limits = spec.Limits.WithDefaults()
	uids, err := d.ids.take(d.state, spec.ID, d.ownerID)
	if err != nil {
		return err
	}
	d.fault.reach("uids")
	rec := record{ID: spec.ID, BootID: d.bootID, UIDs: uids, Image: root.Digest}
	if err := rec.write(lock.Path); err != nil {
		return err
	}
	d.fault.reach("record")
	if err := d.images.Hold(root.Digest, lock.Path); err != nil {
		return err
	}
	if d.ids.root {
		if err := d.images.HoldLayer(filepath.Base(d.extras), lock.Path); err != nil {
			return err
		}
	}
	if err := d.groups.create(spec.ID, spec.Limits); err != nil {
		return err
	}
	d.fault.reach("cgroups")
	sock, err := place.Listen(lock.Path)
	if err != nil {
		return fmt.Errorf("make the agent's socket: %w", err)
	}
	defer sock.Close()
	d.fault.reach("socket")
	b := &birth{d: d, dir: lock.Path, spec: spec, root: root, from: from, rec: rec, sock: sock}
	if err := b.run(ctx); err != nil {
		if said := place.Said(lock.Path); said != "" {
			err = fmt.Errorf("%w; the agent said: %s", err, said)
		}
		return err
	}
	if err := sock.Close(); err != nil { // from here on a dead agent's socket refuses
		return err
	}
	if err := place.Await(ctx, lock.Path); err != nil {
		if said := place.Said(lock.Path); said != "" {
			err = fmt.Errorf("%w; the agent said: %s", err, said)
		}
		return err
	}
	d.fault.reach("agent")
	b.rec.Ready = true
	err = b.rec.write(lock.Path)
	d.fault.reach("ready")
	return err
}

// A birth is one sandbox on its way from a Spec to a running agent.
type birth struct {
	d    *Driver
	dir  string
	spec labs.Spec
	root image.Root
	from string // file of the snapshot it begins with, if any
	rec  record
	sock *os.File
}

// run does its work on a thread of its own that is thrown away afterwards,
// because the thread leaves our mount namespace and our cgroups.
func (b *birth) run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The runtime can't throw the main thread away. While we sit on
			// it, the next goroutine gets another.
			done <- b.run(ctx)
			runtime.UnlockOSThread()
			return
		}
		done <- b.onThread(ctx) // never unlocked: the thread ends with us
	}()
	return <-done
}

func (b *birth) onThread(ctx context.Context) error {
	if b.d.ids.root {
		if err := leaveHost(); err != nil {
			return err
		}
		if err := b.d.groups.joinThread(b.spec.ID); err != nil {
			return fmt.Errorf("join the cgroup: %w", err)
		}
	}
	pid, sync, err := b.fork()
	if err != nil {
		return err
	}
	defer sync.Close()
	b.d.fault.reach("fork")
	stop := context.AfterFunc(ctx, func() { _ = unix.Kill(pid, unix.SIGKILL) })
	defer stop()
	b.rec.PID = pid
	b.rec.StartTime, _ = processStart(pid)
	if err := b.rec.write(b.dir); err != nil {
		_ = killAndWait(context.WithoutCancel(ctx), pid, b.rec.StartTime)
		return err
	}
	b.d.fault.reach("pid")
	var rights []byte
	if b.d.ids.root {
		tree, err := b.mountRoot(ctx, pid)
		if err != nil {
			return err
		}
		defer unix.Close(tree)
		b.d.fault.reach("root")
		rights = unix.UnixRights(tree)
	} else if b.d.ids.subUID != 0 {
		if err := b.d.ids.delegate(ctx, pid); err != nil {
			return err
		}
	}
	if err := unix.Sendmsg(int(sync.Fd()), []byte(stage0.Go), rights, nil, unix.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("let stage 0 go on: %w", err)
	}
	b.d.fault.reach("go")
	words := make([]byte, 4096)
	// Nothing to read means that stage 0 has become the agent, or has died: the
	// agent's answer tells which.
	if n, _ := sync.Read(words); n > 0 {
		return fmt.Errorf("stage 0: %s", words[:n])
	}
	return ctx.Err()
}

// leaveHost gives this thread a mount namespace of its own, in which nothing
// it does reaches the host's.
func leaveHost() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("leave the host's mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	return nil
}

// fork starts stage 0, which waits for word on the returned socket.
func (b *birth) fork() (pid int, sync *os.File, err error) {
	groups, kind, err := b.d.groups.learnerFiles(b.spec.ID)
	if err != nil {
		return 0, nil, fmt.Errorf("open the learner's cgroup: %w", err)
	}
	defer closeAll(groups)
	boot := proto.Boot{ID: b.spec.ID}
	for i := range groups {
		boot.Cgroups, boot.CgroupKind = append(boot.Cgroups, stage0.CgroupFD+i), kind
	}
	bootFile, err := place.MemoryJSON("boot", boot)
	if err != nil {
		return 0, nil, err
	}
	defer bootFile.Close()
	conf := b.config()
	conf.Files = stage0.CgroupFD + len(groups)
	confFile, err := place.MemoryJSON("config", conf)
	if err != nil {
		return 0, nil, err
	}
	defer confFile.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	log, err := os.OpenFile(filepath.Join(b.dir, place.LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("make the sync socket: %w", err)
	}
	sync = os.NewFile(uintptr(pair[0]), "sync")
	theirs := os.NewFile(uintptr(pair[1]), "sync")
	defer theirs.Close()

	attr := &os.ProcAttr{
		Dir: "/", Env: []string{},
		Files: append([]*os.File{null, log, log, b.sock, bootFile, confFile, theirs}, groups...),
		Sys:   &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true},
	}
	b.d.ids.apply(attr.Sys, b.rec.UIDs)
	group, err := b.d.groups.agentDir(b.spec.ID)
	if err != nil {
		sync.Close()
		return 0, nil, err
	}
	if group != nil {
		defer group.Close()
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, int(group.Fd())
	}
	p, err := os.StartProcess(procFD(b.d.agent), []string{proto.InitName}, attr)
	if err != nil {
		sync.Close()
		return 0, nil, fmt.Errorf("start stage 0: %w", err)
	}
	pid = p.Pid
	return pid, sync, p.Release() // killAndWait collects it
}

func (b *birth) config() stage0.Config {
	host := b.spec.Hostname
	if host == "" {
		host = "lab"
	}
	l := b.spec.Limits
	c := stage0.Config{
		Hostname: host, Env: place.Environment(b.root.EnvWith(b.spec.Env)), OpenFiles: uint64(l.OpenFiles),
		ShmBytes: min(64<<20, l.MemoryBytes/4), NoNewPrivs: !b.spec.AllowSetuid,
		Filter: b.d.filter, ManyUIDs: b.d.ids.wide(), HostUsr: b.root.HostUsr, Kept: b.from != "",
	}
	if !b.d.ids.root {
		c.Remap = b.d.ids.subUID != 0
		c.Processes = uint64(l.Pids)
		c.Overlay = &stage0.Overlay{Lower: b.root.Path, Below: b.d.extras, Bytes: l.DiskBytes, Inodes: l.Inodes}
	}
	return c
}

// apply sets a new process's user namespace. With a delegated range the map
// is written later, by newuidmap.
func (m idMap) apply(attr *syscall.SysProcAttr, n int) {
	switch {
	case m.root:
		id := []syscall.SysProcIDMap{{HostID: uidBase + n*uidWidth, Size: uidWidth}}
		attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = id, id, true
		// Without it, the new process would be nobody at its exec and lose
		// its capabilities there.
		attr.Credential = &syscall.Credential{}
	case m.subUID == 0:
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: m.uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: m.gid, Size: 1}}
		attr.Credential = &syscall.Credential{NoSetGroups: true}
	}
}

// delegate maps the ordinary user to root and the user's delegated range to
// everybody else, with the setuid helpers that may.
func (m idMap) delegate(ctx context.Context, pid int) error {
	for _, h := range []struct {
		tool       string
		own, first int
	}{{"newuidmap", m.uid, m.subUID}, {"newgidmap", m.gid, m.subGID}} {
		args := []string{
			strconv.Itoa(pid),
			"0", strconv.Itoa(h.own), "1",
			"1", strconv.Itoa(h.first), strconv.Itoa(m.width),
		}
		if out, err := exec.CommandContext(ctx, h.tool, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", h.tool, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
