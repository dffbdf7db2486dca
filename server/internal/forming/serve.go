package forming

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/format/filter"
)

// What one process may take. Its memory is what it writes to; beside that it shares
// the server's program.
const (
	seconds = 1         // of a processor
	memory  = 192 << 20 // bytes
	enough  = 64 << 20  // from where on it looks for what it no longer needs
	// The nice value: of a processor that the server wants, too, it gets a seventieth.
	niceness = 19
)

// saidWhy is the status of a process that has told what is wrong with the
// expression, which none has that Go or the kernel has ended.
const saidWhy = 10

// order is the first line that a process reads.
type order struct{ Kind, Expr string }

// Serve is what the process of a Start does: it reads what to do, then JSON values
// until in ends. The kernel ends it when it has taken what it may. It returns the
// process's exit status.
func Serve(in io.Reader, out, errs io.Writer) int {
	if err := bound(); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	from := bufio.NewReader(in)
	line, err := from.ReadBytes('\n')
	var o order
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		fmt.Fprintln(errs, fmt.Errorf("read what to do: %w", err))
		return 1
	}
	switch err := filter.Run(filter.Kind(o.Kind), o.Expr, from, out); {
	case err == nil:
		return 0
	case hub.CodeOf(err) == hub.Invalid:
		fmt.Fprintln(errs, err)
		return saidWhy
	default:
		fmt.Fprintln(errs, err)
		return 1
	}
}

// bound has the kernel hold this process to its share.
func bound() error {
	runtime.GOMAXPROCS(1)
	debug.SetMemoryLimit(enough)
	for what, most := range map[int]uint64{unix.RLIMIT_CPU: seconds, unix.RLIMIT_DATA: memory, unix.RLIMIT_CORE: 0} {
		var now unix.Rlimit
		if err := unix.Getrlimit(what, &now); err != nil {
			return fmt.Errorf("read the bounds of the process: %w", err)
		}
		most = min(most, now.Max) // more than that is not ours to take
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("bound the process: %w", err)
		}
	}
	_ = unix.Setpriority(unix.PRIO_PGRP, 0, niceness) // of the group, which it is alone: of a process, Linux would take it for a thread
	// Where memory runs short, the server is not what goes. Where there is no such file, it is as before.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o644)
	return nil
}
