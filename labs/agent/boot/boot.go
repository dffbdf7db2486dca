// Package boot is the agent's first and lowest layer: it takes over what the
// driver handed to process 1 (proto/boot.go) and starts the learner's
// processes where the learner's limits hold.
//
// It leaves terminals, scripts, reaping and the SSH server to the agent.
package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A Boot is a sandbox taken over.
type Boot struct {
	proto.Boot
	Listener net.Listener

	cgroups []*os.File
	starts  chan start // served by the thread that lives in the learner's cgroup
}

type start struct {
	cmd  *exec.Cmd
	done chan error
}

// Load takes over the descriptors. It must run before anything else starts a
// process, because until then they are inheritable.
func Load() (*Boot, error) {
	b := &Boot{}
	unix.CloseOnExec(proto.ListenFD)
	unix.CloseOnExec(proto.BootFD)
	conf := os.NewFile(proto.BootFD, "boot")
	raw, err := io.ReadAll(io.NewSectionReader(conf, 0, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read boot descriptor: %w", err)
	}
	conf.Close()
	if err := json.Unmarshal(raw, &b.Boot); err != nil {
		return nil, fmt.Errorf("read boot descriptor: %w", err)
	}
	for _, fd := range b.Cgroups {
		unix.CloseOnExec(fd)
		b.cgroups = append(b.cgroups, os.NewFile(uintptr(fd), "cgroup"))
	}
	sock := os.NewFile(proto.ListenFD, "listener")
	defer sock.Close() // FileListener keeps a copy of its own
	if b.Listener, err = net.FileListener(sock); err != nil {
		return nil, fmt.Errorf("take over the listening socket: %w", err)
	}
	if l, ok := b.Listener.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false) // the path is the host's
	}
	if len(b.Secret) > 0 {
		b.Listener = &challenged{b.Listener, b.Secret}
		spareThreads(24)
	}
	if b.CgroupKind == proto.CgroupThread && len(b.cgroups) > 0 {
		b.starts = make(chan start)
		ready := make(chan error)
		go b.serve(ready)
		if err := <-ready; err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Start is cmd.Start, with the new process in the learner's cgroup. It may
// change cmd.Path, cmd.Args and cmd.ExtraFiles.
func (b *Boot) Start(cmd *exec.Cmd) error {
	if len(b.cgroups) == 0 {
		return cmd.Start()
	}
	if b.starts != nil {
		s := start{cmd, make(chan error, 1)}
		b.starts <- s
		return <-s.done
	}
	if err := b.throughSpawn(cmd); err != nil {
		return err
	}
	return cmd.Start()
}

// serve forks from one locked thread that has moved to the learner's cgroup,
// which costs nothing per process; a whole process would wait for an RCU
// grace period each time. It never returns while the agent lives.
func (b *Boot) serve(ready chan<- error) {
	runtime.LockOSThread()
	for _, f := range b.cgroups {
		if _, err := f.WriteString("0"); err != nil {
			ready <- fmt.Errorf("join the learner's cgroup: %w", err)
			return
		}
	}
	close(ready)
	for s := range b.starts {
		s.done <- s.cmd.Start()
	}
}

// throughSpawn makes cmd run this binary first, as SpawnMain.
func (b *Boot) throughSpawn(cmd *exec.Cmd) error {
	if cmd.Err != nil {
		return cmd.Err
	}
	if len(cmd.ExtraFiles) > 0 {
		return errors.New("boot: a learner's process takes no extra files")
	}
	argv := append([]string{proto.SpawnName, cmd.Path}, cmd.Args...)
	cmd.Path, cmd.Args = "/proc/self/exe", argv
	cmd.ExtraFiles = b.cgroups[:1] // cgroup v2 has one
	return nil
}

// SpawnMain is the whole life of a process named SpawnName: it moves itself
// to the learner's cgroup and becomes the program it was asked for.
func SpawnMain() {
	const cgroupFD = 3
	unix.CloseOnExec(cgroupFD)
	if _, err := unix.Write(cgroupFD, []byte("0")); err != nil {
		fmt.Fprintln(os.Stderr, "join the learner's cgroup:", err)
		os.Exit(126)
	}
	err := unix.Exec(os.Args[1], os.Args[2:], os.Environ())
	fmt.Fprintln(os.Stderr, os.Args[1]+":", err)
	os.Exit(127)
}
