package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/u-root/u-root/pkg/core/chmod"
	"github.com/u-root/u-root/pkg/core/ls"
)

// list is u-root's ls, which ends well whatever is missing.
func list(args []string) error {
	kept, missing, named := []string{}, false, false
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			if !strings.HasPrefix(arg, "--") { // --color and its like
				kept = append(kept, arg)
			}
			continue
		}
		if _, err := os.Lstat(arg); err != nil {
			fmt.Fprintln(os.Stderr, "ls:", err)
			missing = true
			continue
		}
		kept, named = append(kept, arg), true
	}
	if missing && !named {
		return status(2)
	}
	if err := ls.New().Run(kept...); err != nil {
		return err
	}
	if missing {
		return status(2)
	}
	return nil
}

// changeMode is u-root's chmod, which doesn't know the fourth digit.
func changeMode(args []string) error {
	if len(args) < 2 || len(strings.TrimLeft(args[0], "0")) != 4 {
		return chmod.New().Run(args...)
	}
	n, err := strconv.ParseUint(args[0], 8, 12)
	if err != nil {
		return chmod.New().Run(args...)
	}
	mode := os.FileMode(n & 0o777)
	for bit, m := range map[uint64]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if n&bit != 0 {
			mode |= m
		}
	}
	for _, name := range args[1:] {
		if err := os.Chmod(name, mode); err != nil {
			return err
		}
	}
	return nil
}
