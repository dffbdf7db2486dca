// Command formtest is a process of package forming and nothing else: its tests start
// it.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/server/internal/forming"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "bounds" {
		if err := bounds(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(forming.Serve(os.Stdin, os.Stdout, os.Stderr))
}

// bounds says what Serve holds the process to: its data, its nice value, and how
// soon it goes where memory runs out.
func bounds() error {
	if err := unix.Setpgid(0, 0); err != nil { // as Start does: niceness is of the group
		return err
	}
	forming.Serve(strings.NewReader(""), io.Discard, io.Discard)
	var data unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &data); err != nil {
		return err
	}
	priority, err := unix.Getpriority(unix.PRIO_PGRP, 0) // 20 - nice
	if err != nil {
		return err
	}
	first, err := os.ReadFile("/proc/self/oom_score_adj")
	fmt.Println(data.Max, 20-priority, strings.TrimSpace(string(first)))
	return err
}
