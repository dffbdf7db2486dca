package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// asInit is the first process of a container: it runs this same command as its
// only child, passes signals on, collects whoever ends, and ends with the
// child's status. Sandboxes outlive the server that made them, and when they
// end are the first process's to collect, which a server can't be: it would
// take the statuses of its own children away from who waits for them.
func asInit() int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cmh-server:", err)
		return 1
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	child, err := os.StartProcess(self, os.Args, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		// A key of the terminal's is for us, and passed on once.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "cmh-server:", err)
		return 1
	}
	server := child.Pid
	go func() {
		for s := range signals {
			_ = unix.Kill(server, s.(syscall.Signal))
		}
	}()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR || err == nil && pid != server:
		case err != nil:
			fmt.Fprintln(os.Stderr, "cmh-server:", err)
			return 1
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}
