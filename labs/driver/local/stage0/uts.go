package stage0

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// looseName moves this thread, and so the sandbox, to a UTS namespace that
// belongs to a user namespace of its own below the sandbox's. Whoever made a
// user namespace has every right over what belongs to it: so root inside may set the host name, as on
// any machine, and needs no capability that would open anything else
// (docs/adr/0008-host-name.md).
//
// The process that makes both namespaces is stopped at once. The UTS
// namespace holds on to its owner, in which nobody lives and nobody can be
// put: the filter refuses setns.
func looseName() error {
	pid, errno := forkIdle(unix.CLONE_NEWUSER | unix.CLONE_NEWUTS | uintptr(unix.SIGCHLD))
	if errno != 0 {
		return fmt.Errorf("make it: %w", errno)
	}
	fd, err := unix.PidfdOpen(int(pid), 0)
	if err == nil {
		err = unix.Setns(fd, unix.CLONE_NEWUTS)
		unix.Close(fd)
	}
	_ = unix.Kill(int(pid), unix.SIGKILL)
	for {
		if _, e := unix.Wait4(int(pid), nil, 0, nil); !errors.Is(e, unix.EINTR) {
			return err
		}
	}
}

// forkIdle forks a process that does nothing until it is killed. It is no copy
// that Go could run in (one thread came along, and no scheduler), which is why
// it only ever makes raw system calls; executing a program instead would cost
// more than all of the sandbox's other namespaces.
//
//go:noinline
//go:norace
func forkIdle(flags uintptr) (pid uintptr, errno syscall.Errno) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for {
		_, _, _ = syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}
