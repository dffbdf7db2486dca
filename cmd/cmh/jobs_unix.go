//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// jobControl tells whether a shell waits for us that can continue us after
// Ctrl-Z: our parent is of the same session, and of another group. Nobody would
// wake the only program of a container, or of an SSH command.
func jobControl() bool {
	group, err := unix.Getpgid(os.Getppid())
	if err != nil || group == unix.Getpgrp() {
		return false
	}
	theirs, err := unix.Getsid(os.Getppid())
	if err != nil {
		return false
	}
	ours, err := unix.Getsid(0)
	return err == nil && theirs == ours
}
