package local

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// FaultEnv names the step at which this process dies, as by kill -9, and
// perhaps which time: "disk", "disk:3". It is how tests end a server in the
// middle of making or removing a sandbox; what is left must be gone once a driver was opened anew.
const FaultEnv = "CMH_LAB_FAULT"

// Steps are the places at which it can die, in their order: of making a
// sandbox, and of removing it.
var Steps = []string{
	"folder", "uids", "record", "cgroups", "socket", "fork", "pid", "template", "disk", "loop", "layers", "root", "go", "agent", "ready",
	"leaving", "killed", "ungrouped", "freed", "removed",
}

type fault struct {
	step string
	left atomic.Int64
}

func readFault() *fault {
	step, times, _ := strings.Cut(os.Getenv(FaultEnv), ":")
	f := &fault{step: step}
	n, err := strconv.Atoi(times)
	if err != nil {
		n = 1
	}
	f.left.Store(int64(n))
	return f
}

// reach is where the process dies if it was told to.
func (f *fault) reach(step string) {
	if f.step == step && f.left.Add(-1) == 0 {
		_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
		select {} // the signal is on its way
	}
}
